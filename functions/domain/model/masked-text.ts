export const redacted = "[redacted]";

/** Masks everything in a free text that looks like a credential. */
export const maskText = (text: string): string =>
  maskKnownShapes(text)
    .replace(/(https?:\/\/)[^\s/@]+@/gi, `$1${redacted}@`)
    .replace(/(https?:\/\/[^\s?#"']+)[?#][^\s"']*/gi, `$1?${redacted}`)
    .replace(
      /(\w*(?:token|secret|password|assertion|api_?key|authorization)["']?\s*=\s*["']?|"\w*(?:token|secret|password|assertion|api_?key|authorization)"\s*:\s*")[^\s"'&,;]+/gi,
      `$1${redacted}`,
    )
    .replace(/[\w\-+/=.~]{20,}/g, (run) => (looksRandom(run) ? redacted : run));

/** Masks the shapes that no identifier has: bearer credentials, JWTs, API keys. */
export const maskKnownShapes = (text: string): string =>
  text
    .replace(
      /\b(Bearer|Basic|DPoP)\s+(?!(?:credential|token|auth|scheme)[a-z]*\b)[^\s"',;]+/gi,
      `$1 ${redacted}`,
    )
    .replace(/\beyJ[\w-]+(?:\.[\w-]*)+/g, redacted)
    .replace(/\botr_[\w-]+/g, redacted);

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** Words, host names, paths and UUIDs do not mix letters and digits over eight characters; keys do. */
function looksRandom(run: string): boolean {
  const rest = run.replace(uuid, "");
  if (rest.length < 20) return false;
  return (rest.match(/[A-Za-z0-9]{8,}/g) ?? []).some(
    (part) => /\d/.test(part) && /[A-Za-z]/.test(part),
  );
}
