import { maskText } from "../../../domain/model/masked-text.ts";
import type { Secret } from "../../../domain/model/secret.ts";
import type { ProviderWords } from "../../../domain/ports/token-endpoint.ts";
import type { ProviderError } from "./provider-error.ts";

const maximumDescriptionLength = 200;
/** Masking takes time that grows faster than the text, which may be as long as an answer may be. */
const maximumMaskedLength = 2_000;
const unreadableError = "unreadable_error";

/** RFC 6749 §5.2: `%x20-21 / %x23-5B / %x5D-7E`. The longest that is registered has 30 characters. */
const errorForm = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/**
 * Code and words of an error (RFC 6749 §5.2), fit to be stored, logged and shown. Providers put
 * whatever they have into them: the parameters of the request, the token that they could not read.
 *
 * @param secrets what was sent, to be cut out wherever it comes back
 */
export function providerWords(
  { code = unreadableError, text }: ProviderError,
  secrets: readonly Secret<string>[],
): ProviderWords {
  const isCode = errorForm.test(code) && withoutSecrets(code, secrets) === code;
  return {
    providerError: isCode ? code : unreadableError,
    providerErrorDescription:
      text === undefined ? undefined : shortened(withoutSecrets(text, secrets)),
  };
}

/** Cut out twice: as sent, and after characters that do not print are gone from between the others. */
function withoutSecrets(text: string, secrets: readonly Secret<string>[]): string {
  const printable = cutOut(text, secrets)
    .replace(/\s+/g, " ")
    .replace(/\p{C}+/gu, "");
  return maskText(cutOut(printable, secrets).slice(0, maximumMaskedLength));
}

const cutOut = (text: string, secrets: readonly Secret<string>[]): string =>
  secrets
    .flatMap((secret) => [secret.reveal(), encodeURIComponent(secret.reveal().toWellFormed())])
    .filter((secret) => secret !== "")
    .reduce((rest, secret) => rest.replaceAll(secret, () => "[redacted]"), text);

function shortened(text: string): string | undefined {
  const characters = Array.from(text.trim());
  if (characters.length === 0) return undefined;
  return characters.length <= maximumDescriptionLength
    ? characters.join("")
    : `${characters.slice(0, maximumDescriptionLength - 1).join("")}…`;
}
