import type { DocumentedExchange } from "./documented-exchange.ts";

/**
 * Responses as the pages of each entry's `source` show them, or as in RFC 6749 §5 where the pages show none. All values
 * are made up.
 */
export const exchangesWToZ = {
  webex: {
    sent: {
      url: "https://webexapis.com/v1/access_token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 1209600,
      refresh_token: "fake-rt-2",
      refresh_token_expires_in: 7776000,
    },
    understood: {
      refreshLifetimeSeconds: 90 * 86_400,
    },
    dead: {
      status: 400,
      words: "The refresh token provided is expired, revoked, malformed, or invalid.",
      response: {
        message: "The refresh token provided is expired, revoked, malformed, or invalid.",
        trackingId: "ROUTER_fake",
      },
    },
  },
  whoop: {
    sent: {
      url: "https://api.prod.whoop.com/oauth/oauth2/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        scope: "offline",
      },
    },
    response: {
      token_type: "bearer",
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      scope: "offline read:profile",
    },
  },
  workday: {
    registration: {
      config: {
        host: "wd2-impl-services1.workday.com",
      },
    },
    config: {
      tenant: "acme_pt1",
    },
    sent: {
      url: "https://wd2-impl-services1.workday.com/ccx/oauth2/acme_pt1/token",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      refresh_token: "fake-rt-2",
    },
  },
  wrike: {
    sent: {
      url: "https://login.wrike.com/oauth2/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      host: "www.wrike.com",
    },
    understood: {
      keeps: ["host"],
    },
  },
  x: {
    sent: {
      url: "https://api.x.com/2/oauth2/token",
      client: "raw_basic",
    },
    response: {
      token_type: "bearer",
      expires_in: 7200,
      scope: "users.read tweet.read offline.access",
      refresh_token: "fake-rt-2",
    },
    understood: {
      defaultLifetimeSeconds: 7200,
    },
    dead: {
      status: 400,
      response: {
        error: "invalid_request",
        error_description: "Value passed for the token was invalid.",
      },
    },
  },
  xero: {
    sent: {
      url: "https://identity.xero.com/connect/token",
      client: "basic",
    },
    response: {
      id_token: "fake.id.token",
      expires_in: 1800,
      token_type: "Bearer",
      refresh_token: "fake-rt-2",
      scope: "accounting.transactions offline_access",
    },
    understood: {
      defaultLifetimeSeconds: 1800,
      refreshLifetimeSeconds: 60 * 86_400,
    },
  },
  yahoo: {
    sent: {
      url: "https://api.login.yahoo.com/oauth2/get_token",
      client: "basic",
    },
    response: {
      token_type: "bearer",
      expires_in: 3600,
      refresh_token: "rt-1",
    },
  },
  yandex: {
    sent: {
      url: "https://oauth.yandex.com/token",
      client: "basic",
    },
    response: {
      token_type: "bearer",
      expires_in: 31536000,
      refresh_token: "fake-rt-2",
    },
  },
  zendesk: {
    config: {
      subdomain: "acme",
    },
    sent: {
      url: "https://acme.zendesk.com/oauth/tokens",
      client: "post",
      as: "json",
    },
    response: {
      token_type: "bearer",
      refresh_token: "fake-rt-2",
      scope: "read write",
      expires_in: 1800,
      refresh_token_expires_in: 7776000,
    },
    understood: {
      defaultLifetimeSeconds: 1800,
      refreshLifetimeSeconds: 90 * 86_400,
    },
  },
  zoho: {
    config: {
      host: "accounts.zohocloud.ca",
    },
    sent: {
      url: "https://accounts.zohocloud.ca/oauth/v2/token",
      client: "post",
    },
    response: {
      expires_in: 3600,
      api_domain: "https://www.zohoapis.ca",
      token_type: "Bearer",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      keeps: ["api_domain"],
    },
    dead: {
      status: 200,
      response: {
        error: "invalid_code",
      },
    },
    limited: {
      concerns: "connection",
      status: 400,
      response: {
        error: "Access Denied",
        error_description: "You have made too many requests continuously.",
      },
    },
    rules: { minimumRefreshIntervalSeconds: 60 },
  },
  zoom: {
    sent: {
      url: "https://zoom.us/oauth/token",
      client: "basic",
    },
    response: {
      token_type: "bearer",
      refresh_token: "fake-rt-2",
      expires_in: 3599,
      scope: "user:read:user",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
    },
    dead: {
      status: 400,
      words: "Invalid Token!",
      response: { reason: "Invalid Token!", error: "invalid_grant" },
    },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
