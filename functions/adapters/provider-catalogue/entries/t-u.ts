import type { ProviderEntry } from "../provider-entry.ts";

export const providersTToU = {
  tesla: {
    title: "Tesla",
    tokenEndpoint: "https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token",
    source: [
      "https://developer.tesla.com/docs/fleet-api/authentication/third-party-tokens",
      "https://developer.tesla.com/docs/fleet-api/authentication/third-party-business-tokens",
    ],
    verified: "vendor",
    note: "Request the scopes openid and offline_access.",
    tokenEndpointAuthMethod: "client_secret_post",
  },
  tiktok: {
    title: "TikTok",
    tokenEndpoint: "https://open.tiktokapis.com/v2/oauth/token/",
    source: [
      "https://developers.tiktok.com/docs/en/oauth-refresh-a-user-access-token",
      "https://developers.tiktok.com/doc/oauth-error-handling",
    ],
    verified: "vendor",
    clientIdParameter: "client_key",
    tokenEndpointAuthMethod: "client_secret_post",
    scopeSeparator: "comma",
    rotation: "always",
    rotationGraceSeconds: 0,
    refreshTokenIdleSeconds: 180 * 86_400,
    accessTokenLifetimeSeconds: 2 * 3_600,
  },
  todoist: {
    title: "Todoist",
    tokenEndpoint: "https://todoist.com/oauth/access_token",
    source: [
      "https://doist.github.io/todoist-sdk-typescript/api/functions/refreshAuthToken",
      "https://github.com/Doist/todoist-sdk-typescript/blob/main/src/authentication.ts",
    ],
    verified: "vendor",
    note: "Only apps with refresh tokens enabled have them. New apps do; older ones have long-lived access tokens.",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "always",
  },
  twitch: {
    title: "Twitch",
    tokenEndpoint: "https://id.twitch.tv/oauth2/token",
    source: [
      "https://dev.twitch.tv/docs/authentication/refresh-tokens/",
      "https://github.com/twitchdev/issues/issues/1037",
    ],
    verified: "vendor",
    note: "Twitch asks clients to refresh when an API call gets a 401, rather than at a set time.",
    tokenEndpointAuthMethod: "client_secret_post",
    errorTextAt: "message",
    errors: [{ means: "dead", status: [400, 401], text: "invalid refresh token" }],
    rotation: "sometimes",
  },
  typeform: {
    title: "Typeform",
    tokenEndpoint: "https://api.typeform.com/oauth/token",
    source: [
      "https://www.typeform.com/developers/get-started/applications/",
      "https://github.com/Typeform/js-api-client/issues/53",
    ],
    verified: "vendor",
    note: "Request the scope offline. The lifetime of access tokens is a setting of each app, 7 days by default.",
    tokenEndpointAuthMethod: "client_secret_post",
    accessTokenLifetimeSeconds: 7 * 86_400,
  },
  uber: {
    title: "Uber",
    tokenEndpoint: "https://auth.uber.com/oauth/v2/token",
    source: [
      "https://developer.uber.com/docs/consumer-identity/oauthplayground/refresh-token",
      "https://developer.uber.com/docs/riders/references/api/v2/token-post",
    ],
    verified: "vendor",
    note: "Set redirect_uri to the one of the authorization: Uber's own requests include it.",
    parameters: { redirect_uri: { from: "redirect_uri" } },
    tokenEndpointAuthMethod: "client_secret_post",
    accessTokenLifetimeSeconds: 30 * 86_400,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
