import type { ProviderEntry } from "../provider-entry.ts";

export const providersGToM = {
  google: {
    title: "Google",
    tokenEndpoint: "https://oauth2.googleapis.com/token",
    source: [
      "https://developers.google.com/identity/protocols/oauth2/web-server",
      "https://developers.google.com/identity/protocols/oauth2",
    ],
    verified: "vendor",
    note: "Ask for access_type=offline. A refresh token ends after six months without use, after 7 days while the consent screen is External and in Testing, and when more than 100 are issued to one account and client.",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "never",
    refreshTokenIdleSeconds: 180 * 86_400,
    accessTokenLifetimeSeconds: 3_600,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
