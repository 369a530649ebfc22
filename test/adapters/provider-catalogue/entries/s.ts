import type { DocumentedExchange } from "./documented-exchange.ts";

/**
 * Responses as the pages of each entry's `source` show them, or as in RFC 6749 §5 where the pages show none. All values
 * are made up.
 */
export const exchangesS = {
  sage: {
    sent: {
      url: "https://oauth.accounting.sage.com/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      expires_in: 300,
      refresh_token: "fake-rt-2",
      refresh_token_expires_in: 2678400,
      scope: "full_access",
    },
    understood: {
      defaultLifetimeSeconds: 300,
      refreshLifetimeSeconds: 31 * 86_400,
      defaultRefreshLifetimeSeconds: 31 * 86_400,
    },
  },
  salesforce: {
    config: {
      host: "test.salesforce.com",
    },
    sent: {
      url: "https://test.salesforce.com/services/oauth2/token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      scope: "api refresh_token",
      instance_url: "https://acme--dev.sandbox.my.salesforce.com",
      id: "https://test.salesforce.com/id/00D000000000001EAA/005000000000001AAA",
      issued_at: "1767268800000",
      signature: "fake-signature",
    },
    understood: {
      keeps: ["instance_url", "id", "issued_at", "signature"],
    },
  },
  servicenow: {
    config: {
      instance: "dev12345",
    },
    sent: {
      url: "https://dev12345.service-now.com/oauth_token.do",
      client: "post",
    },
    response: {
      refresh_token: "fake-rt-2",
      scope: "useraccount",
      token_type: "Bearer",
      expires_in: 1799,
    },
    understood: {
      defaultLifetimeSeconds: 1800,
    },
  },
  shopify: {
    config: {
      shop: "acme-store",
    },
    sent: {
      url: "https://acme-store.myshopify.com/admin/oauth/access_token",
      client: "post",
      as: "json",
    },
    response: {
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      refresh_token_expires_in: 7776000,
      scope: "read_orders,write_products",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 90 * 86_400,
      defaultRefreshLifetimeSeconds: 90 * 86_400,
      scope: "read_orders write_products",
      notes: ["token_type is missing or not usable"],
    },
    dead: {
      status: 401,
      response: {
        error: "invalid_request",
        error_description: "This request requires an active refresh_token",
      },
    },
  },
  smartsheet: {
    sent: {
      url: "https://api.smartsheet.com/2.0/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      refresh_token: "fake-rt-2",
      expires_in: 604799,
    },
    understood: {
      defaultLifetimeSeconds: 604799,
    },
    dead: {
      status: 400,
      words: "The refresh token is invalid or expired.",
      response: { error: "invalid_grant", message: "The refresh token is invalid or expired." },
    },
  },
  snapchat: {
    sent: {
      url: "https://accounts.snapchat.com/login/oauth2/access_token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      scope: "snapchat-marketing-api",
    },
  },
  snowflake: {
    config: {
      account: "acme-analytics",
    },
    sent: {
      url: "https://acme-analytics.snowflakecomputing.com/oauth/token-request",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 600,
    },
    rules: { refreshTokenAbsoluteSeconds: 90 * 86_400 },
    dead: {
      status: 400,
      words: "The provided grant or refresh token is invalid.",
      response: {
        data: null,
        message: "The provided grant or refresh token is invalid.",
        code: null,
        success: false,
        error: "invalid_grant",
      },
    },
  },
  sonos: {
    sent: {
      url: "https://api.sonos.com/login/v3/oauth/access",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 86399,
      refresh_token: "fake-rt-2",
      scope: "playback-control-all",
    },
  },
  spotify: {
    sent: {
      url: "https://accounts.spotify.com/api/token",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      scope: "user-read-private",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
    },
    rules: { refreshTokenAbsoluteSeconds: 181 * 86_400 },
  },
  "stripe-connect": {
    sent: {
      url: "https://connect.stripe.com/oauth/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      livemode: false,
      refresh_token: "fake-rt-2",
      scope: "read_write",
      stripe_user_id: "acct_1FakeAccount",
      stripe_publishable_key: "pk_test_fake",
    },
    understood: {
      keeps: ["livemode", "stripe_user_id", "stripe_publishable_key"],
    },
  },
  supabase: {
    sent: {
      url: "https://api.supabase.com/v1/oauth/token",
      client: "raw_basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 86400,
      refresh_token: "fake-rt-2",
    },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
