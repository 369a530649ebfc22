import { tokenResult } from "../../functions/adapters/token-endpoint/response/token-response.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";

export const receivedAtMs = Date.UTC(2026, 0, 1);
export const jsonHeaders = { "content-type": "application/json" };

/**
 * The result of a response that arrives at {@link receivedAtMs}.
 * @param body an object is sent as JSON, and a string unchanged
 * @param secrets the secrets that were sent
 */
export const resultOf = (
  body: string | object,
  status = 200,
  headers: Readonly<Record<string, string>> = jsonHeaders,
  secrets: readonly string[] = [],
): TokenResult => {
  const content = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return tokenResult(
    { status, headers, body: content, receivedAtMs },
    secrets.map((secret) => new Secret(secret)),
  );
};
