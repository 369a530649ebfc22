import { redacted } from "../../../domain/model/masked-text.ts";
import type { Secret } from "../../../domain/model/secret.ts";

/** Providers shorten what they echo, to the first or the last characters. Fewer ones may be a common word. */
const shortestPartLength = 8;

/**
 * Removes secrets that were sent from a text that came back, and their first or last eight characters or more:
 * verbatim, percent-encoded, and in base64 and base64url.
 */
export const withoutEchoes = (text: string, secrets: readonly Secret<string>[]): string =>
  secrets.flatMap(formsOf).reduce(
    (rest, form) =>
      withoutEnds(
        withoutBeginnings(
          rest.replaceAll(form, () => redacted),
          form,
        ),
        form,
      ),
    text,
  );

function formsOf(secret: Secret<string>): readonly string[] {
  const value = secret.reveal();
  if (value === "") return [];
  const bytes = Buffer.from(value);
  const encoded = [
    encodeURIComponent(value.toWellFormed()),
    bytes.toString("base64"),
    bytes.toString("base64url"),
  ];
  return [...new Set([value, ...encoded])];
}

function withoutBeginnings(text: string, form: string): string {
  if (form.length <= shortestPartLength) return text;
  const beginning = form.slice(0, shortestPartLength);
  let result = "";
  let restAt = 0;
  for (let at = text.indexOf(beginning); at >= 0; at = text.indexOf(beginning, restAt)) {
    let length = shortestPartLength;
    while (length < form.length && text[at + length] === form[length]) length++;
    result += text.slice(restAt, at) + redacted;
    restAt = at + length;
  }
  return result + text.slice(restAt);
}

function withoutEnds(text: string, form: string): string {
  if (form.length <= shortestPartLength) return text;
  const end = form.slice(-shortestPartLength);
  let result = "";
  let restAt = 0;
  for (let at = text.indexOf(end); at >= 0; at = text.indexOf(end, restAt)) {
    let length = shortestPartLength;
    const endAt = at + shortestPartLength;
    while (
      length < form.length &&
      endAt - length > restAt &&
      text[endAt - length - 1] === form[form.length - length - 1]
    ) {
      length++;
    }
    result += text.slice(restAt, endAt - length) + redacted;
    restAt = endAt;
  }
  return result + text.slice(restAt);
}
