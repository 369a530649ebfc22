import type { ProviderEntry } from "../provider-entry.ts";

export const providersSToZ = {
  slack: {
    title: "Slack",
    tokenEndpoint: "https://slack.com/api/oauth.v2.access",
    source: [
      "https://docs.slack.dev/authentication/using-token-rotation",
      "https://docs.slack.dev/reference/methods/oauth.v2.access",
    ],
    verified: "vendor",
    note: "Only apps with token rotation have refresh tokens. The bot's tokens are the connection's; for a connection of the user's tokens set tokens_at to authed_user.",
    tokenEndpointAuthMethod: "client_secret_post",
    scopeSeparator: "comma",
    failureFlag: { at: "ok", is: false },
    errors: [
      { means: "dead", error: "invalid_refresh_token" },
      { means: "client_rejected", error: "invalid_client_id" },
      { means: "client_rejected", error: "bad_client_secret" },
      { means: "rate_limited", error: "ratelimited" },
      { means: "transient", error: "service_unavailable" },
    ],
    rotation: "always",
    accessTokenLifetimeSeconds: 12 * 3_600,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
