import type { ProviderEntry } from "../provider-entry.ts";

export const providersPToR = {
  patreon: {
    title: "Patreon",
    tokenEndpoint: "https://www.patreon.com/api/oauth2/token",
    source: [
      "https://docs.patreon.com/",
      "https://github.com/Patreon/platform-documentation/blob/master/source/includes/_oauth.md",
      "https://www.rubydoc.info/gems/patreon/Patreon/OAuth",
    ],
    verified: "vendor",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "always",
  },
  paypal: {
    title: "PayPal",
    tokenEndpoint: "https://{host}/v1/oauth2/token",
    source: [
      "https://developer.paypal.com/log-in/build",
      "https://developer.paypal.com/api/rest/authentication/",
    ],
    verified: "vendor",
    variables: {
      host: {
        choices: ["api-m.paypal.com", "api-m.sandbox.paypal.com"],
        default: "api-m.paypal.com",
      },
    },
  },
  pinterest: {
    title: "Pinterest",
    tokenEndpoint: "https://api.pinterest.com/v5/oauth/token",
    source: [
      "https://github.com/pinterest/pinterest-python-generated-api-client/blob/main/docs/OauthApi.md",
      "https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/",
    ],
    verified: "vendor",
    note: "The parameter refresh_on enables continuous refresh: the refresh token renews itself.",
    rotation: "setting",
  },
  pipedrive: {
    title: "Pipedrive",
    tokenEndpoint: "https://oauth.pipedrive.com/oauth/token",
    source: [
      "https://pipedrive.readme.io/docs/marketplace-oauth-authorization",
      "https://pipedrive.readme.io/docs/marketplace-oauth-and-api-proxy-status-codes",
      "https://github.com/pipedrive/client-nodejs/blob/master/src/versions/v1/configuration.ts",
    ],
    verified: "vendor",
    note: "Send the company's API calls to api_domain of the token response.",
    basicCredentials: "raw",
    scopeSeparator: "comma",
    rotation: "always",
  },
  procore: {
    title: "Procore",
    tokenEndpoint: "https://login.procore.com/oauth/token",
    source: [
      "https://developers.procore.com/documentation/content/troubleshooting",
      "https://developers.procore.com/documentation/content/oauth-endpoints",
    ],
    verified: "vendor",
    note: "A refresh token is used up even if the response is lost. The sandbox is a separate server with its own tokens.",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "always",
    rotationGraceSeconds: 0,
    accessTokenLifetimeSeconds: 5_400,
  },
  ramp: {
    title: "Ramp",
    tokenEndpoint: "https://{host}/developer/v1/token",
    source: [
      "https://docs.ramp.com/",
      "https://docs.rs/ramp-api/0.3.1/ramp_api/auths/struct.Auths.html",
    ],
    verified: "secondary",
    note: "The format of the request comes from a client that was generated from Ramp's own OpenAPI document.",
    variables: {
      host: { choices: ["api.ramp.com", "demo-api.ramp.com"], default: "api.ramp.com" },
    },
  },
  "rdstation-crm": {
    title: "RD Station CRM",
    tokenEndpoint: "https://api.rd.services/oauth2/token",
    source: ["https://developers.rdstation.com/reference/crm-v2-authentication-step4"],
    verified: "vendor",
    tokenEndpointAuthMethod: "client_secret_post",
    rotation: "always",
    refreshTokenIdleSeconds: 14 * 86_400,
    accessTokenLifetimeSeconds: 2 * 3_600,
  },
  reddit: {
    title: "Reddit",
    tokenEndpoint: "https://www.reddit.com/api/v1/access_token",
    source: [
      "https://github.com/reddit-archive/reddit/wiki/OAuth2",
      "https://github.com/reddit-archive/reddit/blob/master/r2/r2/controllers/oauth2.py",
      "https://github.com/praw-dev/prawcore/blob/main/tests/integration/cassettes/TestAuthorizer.test_refresh__with_invalid_token.json",
    ],
    verified: "vendor",
    note: "Request duration=permanent. Errors may come with status 200. For an unknown refresh token Reddit has been seen to respond with status 400 and no error code, which does not mark a connection as expired.",
    basicCredentials: "raw",
    rotation: "never",
  },
  reltio: {
    title: "Reltio",
    tokenEndpoint: "https://auth.reltio.com/oauth/token",
    source: [
      "https://docs.reltio.com/explore/get-going-with-apis-and-rocs-utilities/reltio-rest-apis/explore-apis/authentication-api/refresh-token",
    ],
    verified: "vendor",
    rotation: "never",
    accessTokenLifetimeSeconds: 3_599,
  },
  ringcentral: {
    title: "RingCentral",
    tokenEndpoint: "https://platform.ringcentral.com/restapi/oauth/token",
    source: [
      "https://github.com/ringcentral/ringcentral-api-docs/blob/main/docs/authentication/refresh-tokens.md",
    ],
    verified: "vendor",
    note: "Client-side web apps have no secret, and send only their client_id.",
    basicCredentials: "raw",
    rotation: "always",
    rotationGraceSeconds: 0,
    refreshTokenIdleSeconds: 7 * 86_400,
    accessTokenLifetimeSeconds: 3_600,
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;
