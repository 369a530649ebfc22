import type { DocumentedExchange } from "./documented-exchange.ts";

/**
 * Responses as the pages of each entry's `source` show them, or as in RFC 6749 §5 where the pages show none. All values
 * are made up.
 */
export const exchangesPToR = {
  patreon: {
    sent: {
      url: "https://www.patreon.com/api/oauth2/token",
      client: "post",
    },
    response: {
      refresh_token: "fake-rt-2",
      expires_in: 2678400,
      scope: "users pledges-to-me",
      token_type: "Bearer",
    },
  },
  paypal: {
    config: {
      host: "api-m.sandbox.paypal.com",
    },
    sent: {
      url: "https://api-m.sandbox.paypal.com/v1/oauth2/token",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 28800,
      scope: "openid email",
    },
  },
  pinterest: {
    sent: {
      url: "https://api.pinterest.com/v5/oauth/token",
      client: "basic",
    },
    response: {
      response_type: "everlasting_refresh",
      token_type: "bearer",
      expires_in: 2592000,
      scope: "boards:read pins:read",
      refresh_token: "fake-rt-2",
      refresh_token_expires_in: 5184000,
    },
    understood: {
      refreshLifetimeSeconds: 60 * 86_400,
      keeps: ["response_type"],
    },
  },
  pipedrive: {
    sent: {
      url: "https://oauth.pipedrive.com/oauth/token",
      client: "raw_basic",
    },
    response: {
      token_type: "Bearer",
      refresh_token: "fake-rt-2",
      scope: "deals:full,contacts:full,base",
      expires_in: 3599,
      api_domain: "https://acme.pipedrive.com",
    },
    understood: {
      scope: "deals:full contacts:full base",
      keeps: ["api_domain"],
    },
  },
  procore: {
    sent: {
      url: "https://login.procore.com/oauth/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      expires_in: 5400,
      refresh_token: "fake-rt-2",
    },
    understood: {
      defaultLifetimeSeconds: 5400,
    },
  },
  ramp: {
    config: {
      host: "demo-api.ramp.com",
    },
    sent: {
      url: "https://demo-api.ramp.com/developer/v1/token",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      scope: "transactions:read",
    },
  },
  "rdstation-crm": {
    sent: {
      url: "https://api.rd.services/oauth2/token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 7200,
      refresh_token: "fake-rt-2",
    },
    understood: {
      defaultLifetimeSeconds: 7200,
      refreshLifetimeSeconds: 14 * 86_400,
    },
  },
  reddit: {
    sent: {
      url: "https://www.reddit.com/api/v1/access_token",
      client: "raw_basic",
    },
    response: {
      token_type: "bearer",
      expires_in: 3600,
      scope: "identity read",
    },
    dead: {
      status: 200,
      response: {
        error: "invalid_grant",
      },
    },
  },
  reltio: {
    sent: {
      url: "https://auth.reltio.com/oauth/token",
      client: "basic",
    },
    response: {
      token_type: "bearer",
      refresh_token: "rt-1",
      expires_in: 3599,
      scope: "configuration_api entities_api",
    },
    understood: {
      defaultLifetimeSeconds: 3599,
    },
  },
  ringcentral: {
    sent: {
      url: "https://platform.ringcentral.com/restapi/oauth/token",
      client: "raw_basic",
    },
    response: {
      token_type: "bearer",
      expires_in: 7199,
      refresh_token: "fake-rt-2",
      refresh_token_expires_in: 604799,
      scope: "AccountInfo CallLog Messages SMS",
      owner_id: "256440016",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 604799,
      defaultRefreshLifetimeSeconds: 7 * 86_400,
      keeps: ["owner_id"],
    },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
