import type { ProviderEntry } from "../provider-entry.ts";

export const providersAToF = {
  facebook: {
    title: "Facebook",
    tokenEndpoint: "https://graph.facebook.com/oauth/access_token",
    source: [
      "https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived",
      "https://developers.facebook.com/docs/graph-api/guides/error-handling",
    ],
    verified: "vendor",
    note: "There are no refresh tokens: a long-lived user token is exchanged for another while it lives. Store the access token, and refresh it long before it ends.",
    method: "GET",
    tokenEndpointAuthMethod: "client_secret_post",
    renewsWith: "access_token",
    grantType: "fb_exchange_token",
    tokenParameter: "fb_exchange_token",
    errorAt: "error.code",
    errorTextAt: "error.message",
    errors: [
      { means: "transient", error: "1" },
      { means: "transient", error: "2" },
      { means: "rate_limited", error: "4" },
      { means: "rate_limited", error: "17" },
      { means: "dead", error: "190" },
    ],
    accessTokenLifetimeSeconds: 60 * 86_400,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
