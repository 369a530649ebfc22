import type { ProviderEntry } from "../provider-entry.ts";

export const providersNToO = {
  netsuite: {
    title: "NetSuite",
    tokenEndpoint:
      "https://{account_id}.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
    source: [
      "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_160855594402.html",
      "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/article_0907013045.html",
      "https://prismatic.io/docs/components/netsuite",
    ],
    verified: "secondary",
    note: "An integrator's guide says that users have to connect again after seven days.",
    variables: {
      account_id: { pattern: "^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$", example: "1234567-sb1" },
    },
    basicCredentials: "raw",
    refreshTokenAbsoluteSeconds: 7 * 86_400,
    accessTokenLifetimeSeconds: 3_600,
  },
  nextcloud: {
    title: "Nextcloud",
    tokenEndpoint: "https://{host}/index.php/apps/oauth2/api/v1/token",
    source: [
      "https://github.com/nextcloud/server/blob/master/apps/oauth2/lib/Controller/OauthApiController.php",
    ],
    verified: "vendor",
    note: "Repeated failures make the server slow down all requests from the same address.",
    variables: {
      host: {
        pattern: "^[a-z0-9-]+(?:\\.[a-z0-9-]+)+$",
        example: "cloud.example.com",
        setBy: "integration",
      },
    },
    tokenEndpointAuthMethod: "client_secret_post",
    errors: [{ means: "dead", status: [400], error: "invalid_request" }],
    rotation: "always",
    rotationGraceSeconds: 0,
    accessTokenLifetimeSeconds: 3_600,
  },
  notion: {
    title: "Notion",
    tokenEndpoint: "https://api.notion.com/v1/oauth/token",
    source: [
      "https://developers.notion.com/reference/refresh-a-token",
      "https://github.com/makenotion/notion-sdk-js/blob/main/src/api-endpoints/oauth.ts",
    ],
    verified: "vendor",
    note: "The response does not state when the access token ends.",
    parametersIn: "json",
    basicCredentials: "raw",
    rotation: "always",
  },
  okta: {
    title: "Okta",
    tokenEndpoint: "https://{domain}/oauth2/{authorization_server}/v1/token",
    source: ["https://developer.okta.com/docs/guides/refresh-tokens/main/"],
    verified: "vendor",
    note: "Request the scope offline_access. Rotation and its grace period of 0 to 60 s are settings of each app; single-page apps rotate by default, others do not. A refresh token that is used again after its grace period ends all tokens of the sign-in. The org authorization server has no {authorization_server} in its path: set it as token_endpoint.",
    variables: {
      domain: {
        pattern: "^[a-z0-9-]+(?:\\.[a-z0-9-]+)+$",
        example: "acme.okta.com",
        setBy: "integration",
      },
      authorization_server: {
        pattern: "^[A-Za-z0-9]+$",
        example: "aus9o8wzkhckw9TLa0h7z",
        default: "default",
      },
    },
    rotation: "setting",
    rotationGraceSeconds: 30,
    refreshTokenIdleSeconds: 7 * 86_400,
    accessTokenLifetimeSeconds: 3_600,
  },
  oura: {
    title: "Oura",
    tokenEndpoint: "https://api.ouraring.com/oauth/token",
    source: ["https://cloud.ouraring.com/docs/authentication"],
    verified: "vendor",
  },
  outreach: {
    title: "Outreach",
    tokenEndpoint: "https://api.outreach.io/oauth/token",
    source: ["https://rdrr.io/github/JosiahParry/outReach/src/R/authenticate.R"],
    verified: "secondary",
    note: "Client authentication and lifetime come from a client library.",
    tokenEndpointAuthMethod: "client_secret_post",
    accessTokenLifetimeSeconds: 2 * 3_600,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
