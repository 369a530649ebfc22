import type { ProviderEntry } from "../provider-entry.ts";

export const providersIToL = {
  instagram: {
    title: "Instagram",
    tokenEndpoint: "https://api.instagram.com/oauth/access_token",
    refreshEndpoint: "https://graph.instagram.com/refresh_access_token",
    source: [
      "https://developers.facebook.com/documentation/instagram-platform/reference/refresh_access_token",
      "https://developers.facebook.com/docs/graph-api/guides/error-handling",
    ],
    verified: "vendor",
    note: "There are no refresh tokens: a long-lived access token that is at least a day old, and has not expired, is exchanged for a new one.",
    method: "GET",
    tokenEndpointAuthMethod: "none",
    renewsWith: "access_token",
    grantType: "ig_refresh_token",
    tokenParameter: "access_token",
    parameters: { client_id: null },
    errorAt: "error.code",
    errorTextAt: "error.message",
    errors: [
      { means: "rate_limited", error: "4", concerns: "integration" },
      { means: "dead", error: "190" },
    ],
    accessTokenLifetimeSeconds: 60 * 86_400,
    minimumRefreshIntervalSeconds: 86_400,
  },
  intuit: {
    title: "Intuit QuickBooks",
    tokenEndpoint: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    source: [
      "https://github.com/intuit/oauth-jsclient/blob/master/README.md",
      "https://github.com/intuit/QuickBooks-V3-Java-SDK/releases/tag/v6.5.4",
      "https://github.com/intuit/oauth-jsclient/issues/128",
    ],
    verified: "vendor",
    note: "Only the authorization returns the company's realmId. The refresh token changes about once a day.",
    rotation: "sometimes",
    rotationGraceSeconds: 86_400,
    refreshTokenIdleSeconds: 100 * 86_400,
    refreshTokenAbsoluteSeconds: 5 * 365 * 86_400,
    accessTokenLifetimeSeconds: 3_600,
  },
  jobber: {
    title: "Jobber",
    tokenEndpoint: "https://api.getjobber.com/api/oauth/token",
    source: [
      "https://developer.getjobber.com/docs/building_your_app/refresh_token_rotation/",
      "https://developer.getjobber.com/docs/building_your_app/app_authorization/",
    ],
    verified: "vendor",
    note: "Rotation is a setting of the app, and required in the marketplace. An app without it gets the same refresh token back, with a warning.",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "setting",
  },
  keycloak: {
    title: "Keycloak",
    tokenEndpoint: "https://{host}/realms/{realm}/protocol/openid-connect/token",
    variables: {
      host: {
        pattern: "^[a-z0-9-]+(?:\\.[a-z0-9-]+)+$",
        example: "sso.example.com",
        setBy: "integration",
      },
      realm: { pattern: "^[A-Za-z0-9_-]+$", example: "acme", setBy: "integration" },
    },
    source: [
      "https://www.keycloak.org/securing-apps/oidc-layers",
      "https://github.com/keycloak/keycloak/blob/main/docs/guides/securing-apps/partials/oidc/available-endpoints.adoc",
      "https://docs.apiax.io/hc/en-gb/articles/6556970793873-Using-a-Refresh-Token",
    ],
    verified: "vendor",
    note: "Lifetimes and rotation are settings of the realm and the client. The response states when its refresh token ends.",
    rotation: "setting",
  },
  klaviyo: {
    title: "Klaviyo",
    tokenEndpoint: "https://a.klaviyo.com/oauth/token",
    source: [
      "https://developers.klaviyo.com/en/docs/set_up_oauth",
      "https://developers.klaviyo.com/en/docs/troubleshoot_oauth_errors",
    ],
    verified: "vendor",
  },
  line: {
    title: "LINE Login",
    tokenEndpoint: "https://api.line.me/oauth2/v2.1/token",
    source: [
      "https://developers.line.biz/en/reference/line-login/",
      "https://developers.line.biz/en/docs/line-login/managing-access-tokens/",
    ],
    verified: "vendor",
    tokenEndpointAuthMethod: "client_secret_post",
    refreshTokenIdleSeconds: 90 * 86_400,
    accessTokenLifetimeSeconds: 30 * 86_400,
  },
  linear: {
    title: "Linear",
    tokenEndpoint: "https://api.linear.app/oauth/token",
    source: [
      "https://linear.app/developers/oauth-2-0-authentication",
      "https://nango.dev/blog/linear-oauth-refresh-token-invalid-grant",
    ],
    verified: "vendor",
    tokenEndpointAuthMethod: "client_secret_post",
  },
  linkedin: {
    title: "LinkedIn",
    tokenEndpoint: "https://www.linkedin.com/oauth/v2/accessToken",
    source: [
      "https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens",
    ],
    verified: "vendor",
    note: "For approved partners. A refresh does not move the end of the refresh token, and no access token outlives it. The error for a dead refresh token comes from a third party's summary of LinkedIn's pages.",
    tokenEndpointAuthMethod: "client_secret_post",
    errors: [
      {
        means: "dead",
        status: [400],
        error: "invalid_request",
        text: "refresh token is invalid, expired or revoked",
      },
    ],
    refreshTokenAbsoluteSeconds: 365 * 86_400,
    accessTokenLifetimeSeconds: 60 * 86_400,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
