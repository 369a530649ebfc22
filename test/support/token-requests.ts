import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";
import type { TokenRequest } from "../../functions/domain/ports/token-endpoint.ts";

/** A registration with nothing but the fields that each has. */
export const clientRegistration = (
  changes: Partial<ClientRegistration> = {},
): ClientRegistration => ({
  name: "integrations/acme" as RegistrationName,
  version: "v1",
  clientId: "client",
  clientSecret: new Secret("secret"),
  tokenEndpointAuthMethod: "client_secret_basic",
  tokenEndpoint: "https://provider.example/token",
  refreshPolicy: "proactive",
  refreshTokenIdleSeconds: undefined,
  refreshTokenAbsoluteSeconds: undefined,
  minimumRefreshIntervalSeconds: undefined,
  maxConcurrent: undefined,
  maxPerMinute: undefined,
  renewsWithAccessToken: false,
  provider: {},
  ...changes,
});

/** A token request with the tokens `at-1` and `rt-1`, and with a timeout that a busy machine does not reach. */
export const tokenRequest = (
  registration: ClientRegistration,
  changes: Partial<TokenRequest> = {},
): TokenRequest => ({
  registration,
  config: {},
  refreshToken: new Secret("rt-1"),
  accessToken: new Secret("at-1"),
  scope: undefined,
  timeoutMs: 30_000,
  assertRecipient: async () => undefined,
  maySend: () => true,
  ...changes,
});
