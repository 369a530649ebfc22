/**
 * The `code` of an error of Node, OpenSSL or zlib (`ECONNREFUSED`, `CERT_HAS_EXPIRED`). Unlike the
 * message it holds nothing that a server sent.
 */
export function errorCodeOf(error: unknown): string | undefined {
  const hasCode = typeof error === "object" && error !== null && "code" in error;
  return hasCode && typeof error.code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(error.code)
    ? error.code
    : undefined;
}
