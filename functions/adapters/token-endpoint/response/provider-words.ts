import { maskText, redacted } from "../../../domain/model/masked-text.ts";
import type { Secret } from "../../../domain/model/secret.ts";
import type { ProviderWords } from "../../../domain/ports/token-endpoint.ts";
import { withoutEchoes } from "./echoed-secrets.ts";
import type { ProviderError } from "./provider-error.ts";

const maximumDescriptionLength = 200;
/** The time to mask a text grows faster than the text, which may be as long as a response. */
const maximumMaskedLength = 2_000;
const unreadableError = "unreadable_error";

/** RFC 6749 §5.2: `%x20-21 / %x23-5B / %x5D-7E`. The longest registered code has 30 characters. */
const errorForm = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/**
 * Code and description of an error (RFC 6749 §5.2), safe to store, log and show. Providers may put
 * anything into them: the parameters of the request, the token that they could not read.
 *
 * @param secrets values that were sent, to be removed wherever they come back
 */
export function providerWords(
  { code = unreadableError, text }: ProviderError,
  secrets: readonly Secret<string>[],
): ProviderWords {
  const isCode = errorForm.test(code) && withoutSecrets(code, secrets) === code;
  return {
    providerError: isCode ? code : unreadableError,
    providerErrorDescription: text === undefined ? undefined : safeText(text, secrets),
  };
}

/** A text of the provider, safe to store, log and show. Undefined: nothing of it is left. */
export const safeText = (text: string, secrets: readonly Secret<string>[]): string | undefined =>
  shortened(withoutSecrets(text, secrets));

/** Removes the secrets twice: as sent, and once characters that do not print are gone from between theirs. */
function withoutSecrets(text: string, secrets: readonly Secret<string>[]): string {
  const printable = withoutEchoes(text, secrets)
    .replace(/\s+/g, " ")
    .replace(/\p{C}+/gu, "");
  const bounded = withoutEchoes(printable, secrets).slice(0, maximumMaskedLength);
  return maskText(bounded.replace(emailAddress, redacted));
}

/** The `@` may be percent-encoded. */
const emailAddress =
  /[\p{L}\p{N}._+-]{1,64}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+/giu;

function shortened(text: string): string | undefined {
  const characters = Array.from(text.trim());
  if (characters.length === 0) return undefined;
  return characters.length <= maximumDescriptionLength
    ? characters.join("")
    : `${characters.slice(0, maximumDescriptionLength - 1).join("")}…`;
}
