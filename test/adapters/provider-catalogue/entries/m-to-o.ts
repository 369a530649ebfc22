import type { DocumentedExchange } from "./documented-exchange.ts";

/**
 * Responses as the pages of each entry's `source` show them, or as in RFC 6749 §5 where the pages show none. All values
 * are made up.
 */
export const exchangesMToO = {
  mercadopago: {
    sent: {
      url: "https://api.mercadopago.com/oauth/token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 15552000,
      scope: "offline_access payments write",
      user_id: 241983636,
      refresh_token: "TG-fake-rt-2",
      live_mode: true,
    },
    understood: {
      defaultLifetimeSeconds: 180 * 86_400,
      keeps: ["user_id", "live_mode"],
    },
  },
  mercury: {
    sent: {
      url: "https://oauth2.mercury.com/oauth2/token",
      client: "basic",
    },
    response: {
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      scope: "offline_access read",
      token_type: "bearer",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 30 * 86_400,
    },
  },
  microsoft: {
    config: {
      tenant: "organizations",
      scope: "https://graph.microsoft.com/mail.read",
    },
    sent: {
      url: "https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        scope: "https://graph.microsoft.com/mail.read",
      },
    },
    response: {
      token_type: "Bearer",
      expires_in: 3599,
      scope: "https://graph.microsoft.com/mail.read",
      refresh_token: "fake-rt-2",
      id_token: "fake.id.token",
    },
    understood: {
      defaultLifetimeSeconds: 3599,
      refreshLifetimeSeconds: 90 * 86_400,
    },
    dead: {
      status: 400,
      response: {
        error: "interaction_required",
        error_description: "AADSTS50076: Another authentication step is required.",
        error_codes: [50076],
        timestamp: "2026-01-01 12:00:00Z",
      },
    },
  },
  miro: {
    sent: {
      url: "https://api.miro.com/v1/oauth/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      team_id: 3074457358607431,
      refresh_token: "fake-rt-2",
      scope: "boards:read boards:write",
      expires_in: 3599,
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 60 * 86_400,
      keeps: ["team_id"],
    },
  },
  netsuite: {
    config: {
      account_id: "1234567-sb1",
    },
    sent: {
      url: "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
      client: "raw_basic",
    },
    response: {
      expires_in: "3600",
      token_type: "bearer",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
    },
    rules: { refreshTokenAbsoluteSeconds: 7 * 86_400 },
  },
  nextcloud: {
    registration: {
      config: {
        host: "cloud.example.com",
      },
    },
    sent: {
      url: "https://cloud.example.com/index.php/apps/oauth2/api/v1/token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: "fake-rt-2",
      user_id: "alice",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      keeps: ["user_id"],
    },
    dead: {
      status: 400,
      response: {
        error: "invalid_request",
      },
    },
    rejected: {
      status: 400,
      response: {
        error: "invalid_client",
      },
    },
  },
  notion: {
    sent: {
      url: "https://api.notion.com/v1/oauth/token",
      client: "raw_basic",
      as: "json",
    },
    response: {
      token_type: "bearer",
      refresh_token: "fake-rt-2",
      bot_id: "a4a0ad76-5e4a-4f8c-9a77-1d4a3f1c2b3d",
      workspace_id: "0b1d3e2f-4c5a-4d6b-8e7f-9a0b1c2d3e4f",
      workspace_name: "Acme",
      owner: {
        type: "workspace",
        workspace: true,
      },
    },
    understood: {
      keeps: ["bot_id", "workspace_id", "workspace_name", "owner"],
    },
  },
  okta: {
    registration: {
      config: {
        domain: "acme.okta.com",
      },
    },
    config: {
      authorization_server: "default",
    },
    sent: {
      url: "https://acme.okta.com/oauth2/default/v1/token",
      client: "basic",
    },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      scope: "offline_access openid",
      refresh_token: "fake-rt-2",
      id_token: "fake.id.token",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 7 * 86_400,
    },
  },
  oura: {
    sent: {
      url: "https://api.ouraring.com/oauth/token",
      client: "basic",
    },
    response: {
      token_type: "bearer",
      expires_in: 86400,
      refresh_token: "fake-rt-2",
    },
  },
  outreach: {
    sent: {
      url: "https://api.outreach.io/oauth/token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 7200,
      refresh_token: "fake-rt-2",
      scope: "prospects.read",
    },
    understood: {
      defaultLifetimeSeconds: 7200,
    },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
