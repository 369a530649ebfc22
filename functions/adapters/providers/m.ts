import type { ProviderEntry } from "../provider-entry.ts";

export const providersM = {
  mercadopago: {
    title: "Mercado Pago",
    tokenEndpoint: "https://api.mercadopago.com/oauth/token",
    source: [
      "https://www.mercadopago.com.br/developers/en/docs/oauth/renewal",
      "https://www.mercadopago.com.br/developers/pt/reference/authentication/oauth/overview.md",
      "https://rubydoc.info/gems/mercadopago/2.3.1/MercadoPago/Authentication",
    ],
    verified: "vendor",
    note: "Ask for the scope offline_access.",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "always",
    accessTokenLifetimeSeconds: 180 * 86_400,
  },
  mercury: {
    title: "Mercury",
    tokenEndpoint: "https://oauth2.mercury.com/oauth2/token",
    source: ["https://docs.mercury.com/reference/obtain-the-tokens"],
    verified: "vendor",
    note: "Ask for the scope offline_access.",
    rotation: "always",
    refreshTokenIdleSeconds: 720 * 3_600,
    accessTokenLifetimeSeconds: 3_600,
  },
  microsoft: {
    title: "Microsoft",
    tokenEndpoint: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    source: [
      "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow",
      "https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens",
    ],
    verified: "vendor",
    note: "Ask for the scope offline_access. One refresh token serves several resources: a connection's config may state the scope that chooses one. A used refresh token is not revoked. Those of a redirect URI of type spa end 24 hours after the user signed in.",
    variables: {
      tenant: {
        pattern: "^[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*$",
        example: "8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
        default: "common",
      },
    },
    tokenEndpointAuthMethod: "client_secret_post",
    parameters: { scope: { from: "scope" } },
    errors: [{ means: "dead", error: "interaction_required" }],
    rotation: "always",
    refreshTokenIdleSeconds: 90 * 86_400,
    accessTokenLifetimeSeconds: 3_599,
  },
  miro: {
    title: "Miro",
    tokenEndpoint: "https://api.miro.com/v1/oauth/token",
    source: [
      "https://developers.miro.com/reference/get-new-access-token-using-refresh-token",
      "https://developers.miro.com/reference/oauth-20-authorization-v2",
    ],
    verified: "vendor",
    note: "Only apps made with expiring tokens have refresh tokens; an existing app cannot be changed.",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "always",
    rotationGraceSeconds: 0,
    refreshTokenIdleSeconds: 60 * 86_400,
    accessTokenLifetimeSeconds: 3_600,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
