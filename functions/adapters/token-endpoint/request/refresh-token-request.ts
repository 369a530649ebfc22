import { allowInsecureRequests, customFetch, refreshTokenGrantRequest } from "oauth4webapi";
import type { Secret } from "../../../domain/model/secret.ts";
import type { TokenRequest } from "../../../domain/ports/token-endpoint.ts";
import type { HttpRequest } from "../../http/exchange.ts";
import type { AssertionTerms } from "./client-assertion.ts";
import { clientAuthentication } from "./client-authentication.ts";

/** Some providers refuse requests without a user agent. */
const userAgent = "oauth-token-refresh";

interface RefreshRequest extends Pick<TokenRequest, "registration"> {
  readonly refreshToken: Secret<string>;
}

/**
 * The request of RFC 6749 §6 with its client authentication. oauth4webapi writes it and does not send it.
 *
 * @throws {MisconfiguredRegistration}
 */
export async function refreshTokenRequest(
  { registration, refreshToken }: RefreshRequest,
  url: URL,
  terms: AssertionTerms,
): Promise<Pick<HttpRequest, "headers" | "body">> {
  const captured = Promise.withResolvers<Pick<HttpRequest, "headers" | "body">>();
  await refreshTokenGrantRequest(
    { issuer: url.origin, token_endpoint: url.href },
    { client_id: registration.clientId },
    clientAuthentication(registration, terms),
    refreshToken.reveal(),
    {
      headers: { "user-agent": userAgent },
      [allowInsecureRequests]: url.protocol === "http:",
      [customFetch]: async (_url, { headers, body }) => {
        captured.resolve({ headers, body: body.toString() });
        return new Response();
      },
    },
  );
  return captured.promise;
}
