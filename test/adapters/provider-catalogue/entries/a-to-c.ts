import type { DocumentedExchange } from "./documented-exchange.ts";

export const exchangesAToC = {
  "acrobat-sign": {
    config: { shard: "na1" },
    sent: { url: "https://api.na1.adobesign.com/oauth/v2/refresh", client: "post" },
    response: { token_type: "Bearer", expires_in: 3600 },
    understood: { defaultLifetimeSeconds: 3600, refreshLifetimeSeconds: 60 * 86_400 },
  },
  adobe: {
    sent: { url: "https://ims-na1.adobelogin.com/ims/token/v3", client: "basic" },
    response: { refresh_token: "rt-2", token_type: "bearer", expires_in: 86_399 },
    understood: { defaultLifetimeSeconds: 86_400, refreshLifetimeSeconds: 14 * 86_400 },
  },
  airtable: {
    sent: { url: "https://airtable.com/oauth2/v1/token", client: "basic" },
    response: {
      refresh_token: "rt-2",
      token_type: "Bearer",
      scope: "data.records:read schema.bases:read",
      expires_in: 3600,
      refresh_expires_in: 5_184_000,
    },
    understood: { refreshLifetimeSeconds: 60 * 86_400 },
  },
  amazon: {
    config: { host: "api.amazon.co.uk" },
    sent: { url: "https://api.amazon.co.uk/auth/o2/token", client: "post" },
    response: { refresh_token: "Atzr|rt-2", token_type: "bearer", expires_in: 3600 },
    understood: { defaultLifetimeSeconds: 3600 },
  },
  apple: {
    sent: { url: "https://appleid.apple.com/auth/token", client: "post" },
    response: { token_type: "Bearer", expires_in: 3600 },
    understood: { defaultLifetimeSeconds: 3600 },
    rules: { minimumRefreshIntervalSeconds: 86_400 },
  },
  asana: {
    sent: { url: "https://app.asana.com/-/oauth_token", client: "post" },
    response: {
      token_type: "bearer",
      expires_in: 3600,
      data: { gid: "4673218951", name: "Greg Sanchez", email: "greg@example.com" },
    },
    understood: { keeps: ["data"] },
  },
  atlassian: {
    sent: { url: "https://auth.atlassian.com/oauth/token", client: "post", as: "json" },
    response: {
      refresh_token: "rt-2",
      token_type: "Bearer",
      expires_in: 3600,
      scope: "offline_access read:jira-work",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 90 * 86_400,
    },
    rules: { refreshTokenAbsoluteSeconds: 365 * 86_400 },
    dead: {
      status: 403,
      response: { error: "invalid_grant", error_description: "Unknown or invalid refresh token." },
    },
  },
  auth0: {
    registration: { config: { host: "acme.eu.auth0.com" } },
    sent: { url: "https://acme.eu.auth0.com/oauth/token", client: "basic" },
    response: {
      refresh_token: "rt-2",
      id_token: "fake.id.token",
      token_type: "Bearer",
      expires_in: 86_400,
      scope: "openid offline_access",
    },
    dead: {
      status: 403,
      response: { error: "invalid_grant", error_description: "Unknown or invalid refresh token." },
    },
  },
  autodesk: {
    registration: { scope: "data:read" },
    sent: {
      url: "https://developer.api.autodesk.com/authentication/v2/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        scope: "data:read",
      },
    },
    response: { refresh_token: "rt-2", token_type: "Bearer", expires_in: 3599 },
    understood: { refreshLifetimeSeconds: 14 * 86_400 },
    rules: { maxPerMinute: 100 },
    limited: { status: 429, response: { error: "too_many_requests" }, concerns: "integration" },
  },
  aweber: {
    sent: { url: "https://auth.aweber.com/oauth2/token", client: "raw_basic" },
    response: { refresh_token: "rt-2", token_type: "bearer", expires_in: 7200 },
  },
  basecamp: {
    registration: { redirect_uri: "https://app.example.com/callback" },
    sent: {
      url: "https://launchpad.37signals.com/authorization/token",
      client: "post",
      as: "query",
      parameters: {
        type: "refresh",
        refresh_token: "rt-1",
        redirect_uri: "https://app.example.com/callback",
      },
    },
    response: { expires_in: 1_209_600 },
    understood: {
      defaultLifetimeSeconds: 14 * 86_400,
      notes: ["token_type is missing or not usable"],
    },
  },
  bitbucket: {
    sent: { url: "https://bitbucket.org/site/oauth2/access_token", client: "basic" },
    response: {
      scopes: "account repository",
      expires_in: 7200,
      refresh_token: "rt-2",
      token_type: "bearer",
    },
    understood: { scope: "account repository", defaultLifetimeSeconds: 7200 },
    dead: {
      status: 400,
      response: { error: "invalid_request", error_description: "Invalid refresh_token" },
    },
  },
  blackbaud: {
    sent: { url: "https://oauth2.sky.blackbaud.com/token", client: "raw_basic" },
    response: {
      refresh_token: "rt-2",
      token_type: "bearer",
      expires_in: 3600,
      tenant_id: "00000000-0000-4000-8000-000000000000",
      legal_entity_id: "p-fake",
      environment_id: "p-fake",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      keeps: ["tenant_id", "legal_entity_id", "environment_id"],
    },
  },
  box: {
    sent: { url: "https://api.box.com/oauth2/token", client: "post" },
    response: { expires_in: 3600, restricted_to: [], refresh_token: "rt-2", token_type: "bearer" },
    understood: { refreshLifetimeSeconds: 60 * 86_400, keeps: ["restricted_to"] },
  },
  brex: {
    sent: { url: "https://accounts-api.brex.com/oauth2/default/v1/token", client: "basic" },
    response: {
      refresh_token: "rt-2",
      id_token: "fake.id.token",
      token_type: "Bearer",
      expires_in: 3600,
      scope: "openid offline_access",
    },
    understood: { defaultLifetimeSeconds: 3600, refreshLifetimeSeconds: 90 * 86_400 },
  },
  bullhorn: {
    config: { authHost: "auth-emea" },
    sent: {
      url: "https://auth-emea.bullhornstaffing.com/oauth/token",
      client: "post",
      as: "query",
    },
    response: { refresh_token: "rt-2", token_type: "Bearer", expires_in: 600 },
  },
  calendly: {
    sent: { url: "https://auth.calendly.com/oauth/token", client: "basic" },
    response: {
      token_type: "Bearer",
      expires_in: 7200,
      refresh_token: "rt-2",
      owner: "https://api.calendly.com/users/EBHAAFHDCAEQTSEZ",
    },
    understood: { defaultLifetimeSeconds: 7200, keeps: ["owner"] },
    rules: { minimumRefreshIntervalSeconds: 8 },
  },
  canva: {
    registration: { scope: "design:meta:read" },
    sent: {
      url: "https://api.canva.com/rest/v1/oauth/token",
      client: "basic",
      parameters: { grant_type: "refresh_token", refresh_token: "rt-1", scope: "design:meta:read" },
    },
    response: {
      refresh_token: "rt-2",
      token_type: "Bearer",
      expires_in: 14_400,
      scope: "design:meta:read",
    },
    understood: { defaultLifetimeSeconds: 14_400 },
  },
  clio: {
    config: { host: "eu.app.clio.com" },
    sent: { url: "https://eu.app.clio.com/oauth/token", client: "post" },
    response: { token_type: "bearer", expires_in: 2_592_000 },
    understood: { defaultLifetimeSeconds: 30 * 86_400 },
  },
  cognito: {
    registration: { config: { domain: "mydomain", region: "us-east-1" } },
    sent: {
      url: "https://mydomain.auth.us-east-1.amazoncognito.com/oauth2/token",
      client: "basic",
    },
    response: { id_token: "fake.id.token", token_type: "Bearer", expires_in: 3600 },
    dead: { status: 400, response: { error: "invalid_grant" } },
  },
  "constant-contact": {
    sent: { url: "https://authz.constantcontact.com/oauth2/default/v1/token", client: "basic" },
    response: {
      refresh_token: "rt-2",
      token_type: "Bearer",
      expires_in: 86_400,
      scope: "contact_data offline_access",
    },
    understood: { defaultLifetimeSeconds: 86_400, refreshLifetimeSeconds: 180 * 86_400 },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
