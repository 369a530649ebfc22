import type { DocumentedExchange } from "./documented-exchange.ts";

export const exchangesDToF = {
  digitalocean: {
    sent: { url: "https://cloud.digitalocean.com/v1/oauth/token", client: "post" },
    response: {
      token_type: "bearer",
      expires_in: 2_592_000,
      refresh_token: "rt-2",
      scope: "read write",
      info: { name: "Sammy Shark", email: "sammy@example.com", uuid: "e028b1b918853eca" },
    },
    understood: { keeps: ["info"] },
  },
  discord: {
    sent: { url: "https://discord.com/api/oauth2/token", client: "post" },
    response: {
      token_type: "Bearer",
      expires_in: 604_800,
      refresh_token: "rt-2",
      scope: "identify",
    },
    understood: { defaultLifetimeSeconds: 7 * 86_400 },
  },
  docusign: {
    config: { account: "account-d" },
    sent: { url: "https://account-d.docusign.com/oauth/token", client: "basic" },
    response: { token_type: "Bearer", refresh_token: "rt-2", expires_in: 28_800 },
    understood: { defaultLifetimeSeconds: 28_800 },
    rules: { refreshTokenAbsoluteSeconds: 30 * 86_400 },
  },
  dropbox: {
    registration: { scope: "files.content.read" },
    sent: {
      url: "https://api.dropboxapi.com/oauth2/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        scope: "files.content.read",
      },
    },
    response: { token_type: "bearer", expires_in: 14_400 },
    understood: { defaultLifetimeSeconds: 14_400 },
    dead: {
      status: 400,
      response: { error: "invalid_grant", error_description: "refresh token is malformed" },
    },
  },
  "dropbox-sign": {
    sent: { url: "https://app.hellosign.com/oauth/token?refresh=", client: "post" },
    response: { token_type: "Bearer", refresh_token: "rt-2", expires_in: 86_400 },
  },
  ebay: {
    registration: { scope: "https://api.ebay.com/oauth/api_scope/sell.inventory" },
    sent: {
      url: "https://api.ebay.com/identity/v1/oauth2/token",
      client: "basic",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        scope: "https://api.ebay.com/oauth/api_scope/sell.inventory",
      },
    },
    response: { expires_in: 7200, token_type: "User Access Token" },
    understood: { defaultLifetimeSeconds: 7200 },
    rules: { refreshTokenAbsoluteSeconds: 47_304_000 },
  },
  etsy: {
    sent: { url: "https://api.etsy.com/v3/public/oauth/token", client: "none" },
    response: { token_type: "Bearer", expires_in: 3600, refresh_token: "123.rt-2" },
    understood: { defaultLifetimeSeconds: 3600, refreshLifetimeSeconds: 90 * 86_400 },
    dead: {
      status: 400,
      response: { error: "invalid_grant", error_description: "refresh_token is revoked" },
    },
  },
  "exact-online": {
    config: { country: "co.uk" },
    sent: { url: "https://start.exactonline.co.uk/api/oauth2/token", client: "post" },
    response: { token_type: "bearer", expires_in: "600", refresh_token: "rt-2" },
    understood: { defaultLifetimeSeconds: 600, refreshLifetimeSeconds: 30 * 86_400 },
    rules: { minimumRefreshIntervalSeconds: 570 },
    dead: {
      status: 400,
      response: { error: "invalid_request", error_description: "Old refresh token used." },
    },
    limited: {
      concerns: "connection",
      status: 400,
      response: {
        error: "access_denied",
        error_description: "Rate limit exceeded: access_token not expired",
      },
    },
  },
  figma: {
    sent: {
      url: "https://api.figma.com/v1/oauth/refresh",
      client: "basic",
      parameters: { refresh_token: "rt-1" },
    },
    response: { token_type: "bearer", expires_in: 7_776_000 },
  },
  fitbit: {
    sent: { url: "https://api.fitbit.com/oauth2/token", client: "basic" },
    response: {
      expires_in: 28_800,
      refresh_token: "rt-2",
      scope: "activity profile",
      token_type: "Bearer",
      user_id: "GGNJL9",
    },
    understood: { defaultLifetimeSeconds: 28_800, keeps: ["user_id"] },
    dead: {
      status: 400,
      words: "Refresh token invalid",
      response: {
        errors: [{ errorType: "invalid_grant", message: "Refresh token invalid" }],
        success: false,
      },
    },
  },
  fortnox: {
    sent: { url: "https://apps.fortnox.se/oauth-v1/token", client: "basic" },
    response: {
      refresh_token: "rt-2",
      scope: "companyinformation",
      expires_in: 3600,
      token_type: "bearer",
    },
    understood: { defaultLifetimeSeconds: 3600, refreshLifetimeSeconds: 45 * 86_400 },
  },
  freeagent: {
    config: { host: "api.sandbox.freeagent.com" },
    sent: { url: "https://api.sandbox.freeagent.com/v2/token_endpoint", client: "post" },
    response: { token_type: "bearer", expires_in: 3600 },
  },
  freee: {
    sent: { url: "https://accounts.secure.freee.co.jp/public_api/token", client: "post" },
    response: {
      token_type: "bearer",
      expires_in: 21_600,
      refresh_token: "rt-2",
      scope: "read write",
    },
    understood: { defaultLifetimeSeconds: 21_600, refreshLifetimeSeconds: 90 * 86_400 },
    dead: { status: 401, response: { error: "invalid_grant" } },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
