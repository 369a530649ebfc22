import type { DocumentedExchange } from "./documented-exchange.ts";

export const exchangesGToL = {
  github: {
    sent: { url: "https://github.com/login/oauth/access_token", client: "post" },
    response: {
      expires_in: 28_800,
      refresh_token: "ghr_rt-2",
      refresh_token_expires_in: 15_811_200,
      scope: "",
      token_type: "bearer",
    },
    understood: {
      defaultLifetimeSeconds: 28_800,
      refreshLifetimeSeconds: 183 * 86_400,
      defaultRefreshLifetimeSeconds: 183 * 86_400,
    },
    dead: {
      status: 200,
      response: {
        error: "bad_refresh_token",
        error_description: "The refresh token passed is incorrect or expired.",
      },
    },
    rejected: {
      status: 200,
      response: {
        error: "incorrect_client_credentials",
        error_description: "The client_id and/or client_secret passed are incorrect.",
      },
    },
  },
  gitlab: {
    registration: {
      redirect_uri: "https://app.example.com/callback",
      config: { host: "gitlab.example.com" },
    },
    sent: {
      url: "https://gitlab.example.com/oauth/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        redirect_uri: "https://app.example.com/callback",
      },
    },
    response: {
      token_type: "bearer",
      expires_in: 7200,
      refresh_token: "rt-2",
      created_at: 1_628_711_391,
    },
    understood: { defaultLifetimeSeconds: 7200, keeps: ["created_at"] },
  },
  gusto: {
    registration: { redirect_uri: "https://app.example.com/callback" },
    sent: {
      url: "https://api.gusto.com/oauth/token",
      client: "post",
      as: "json",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        redirect_uri: "https://app.example.com/callback",
      },
    },
    response: { token_type: "bearer", expires_in: 7200, refresh_token: "rt-2" },
    understood: { defaultLifetimeSeconds: 7200 },
  },
  heroku: {
    sent: { url: "https://id.heroku.com/oauth/token", client: "post" },
    response: { refresh_token: "rt-2", token_type: "Bearer", expires_in: 28_799 },
    understood: { defaultLifetimeSeconds: 28_800 },
  },
  highlevel: {
    registration: { redirect_uri: "https://app.example.com/callback" },
    config: { user_type: "Location" },
    sent: {
      url: "https://services.leadconnectorhq.com/oauth/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        user_type: "Location",
        redirect_uri: "https://app.example.com/callback",
      },
    },
    response: {
      token_type: "Bearer",
      expires_in: 86_399,
      refresh_token: "rt-2",
      scope: "conversations/message.readonly",
      userType: "Location",
      locationId: "l1C08ntBrFjLS0elLIYU",
      companyId: "l1C08ntBrFjLS0elLIYV",
    },
    understood: { defaultLifetimeSeconds: 86_399, keeps: ["userType", "locationId", "companyId"] },
  },
  hubspot: {
    sent: { url: "https://api.hubapi.com/oauth/2026-03/token", client: "post" },
    response: {
      token_type: "bearer",
      expires_in: 1800,
      refresh_token: "rt-2",
      hub_id: 1_234_567,
      scopes: ["oauth", "crm.objects.contacts.read"],
    },
    understood: {
      defaultLifetimeSeconds: 1800,
      scope: "oauth crm.objects.contacts.read",
      keeps: ["hub_id"],
    },
    dead: {
      status: 400,
      words: "missing or invalid refresh token",
      response: {
        status: "BAD_REFRESH_TOKEN",
        message: "missing or invalid refresh token",
        correlationId: "9f4ac0e5-0000-4000-8000-000000000000",
      },
    },
  },
  instagram: {
    sent: {
      method: "GET",
      url: "https://graph.instagram.com/refresh_access_token",
      client: "unnamed",
      as: "query",
      parameters: { grant_type: "ig_refresh_token", access_token: "at-1" },
    },
    response: { token_type: "bearer", expires_in: 5_183_944 },
    understood: {
      defaultLifetimeSeconds: 60 * 86_400,
      refreshLifetimeSeconds: 5_183_944,
      defaultRefreshLifetimeSeconds: 60 * 86_400,
    },
    rules: { minimumRefreshIntervalSeconds: 86_400 },
    dead: {
      status: 400,
      words: "Error validating access token: Session has expired.",
      response: {
        error: {
          message: "Error validating access token: Session has expired.",
          type: "OAuthException",
          code: 190,
          fbtrace_id: "fake-trace",
        },
      },
    },
    limited: {
      concerns: "integration",
      status: 400,
      response: {
        error: {
          message: "Application request limit reached",
          type: "OAuthException",
          code: 4,
          fbtrace_id: "fake-trace",
        },
      },
    },
  },
  intuit: {
    sent: { url: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer", client: "basic" },
    response: {
      id_token: "fake.id.token",
      expires_in: 3600,
      token_type: "bearer",
      x_refresh_token_expires_in: 8_726_400,
      refresh_token: "rt-2",
    },
    understood: {
      defaultLifetimeSeconds: 3600,
      refreshLifetimeSeconds: 101 * 86_400,
      defaultRefreshLifetimeSeconds: 100 * 86_400,
    },
    rules: { refreshTokenAbsoluteSeconds: 1_825 * 86_400 },
  },
  jobber: {
    sent: { url: "https://api.getjobber.com/api/oauth/token", client: "post" },
    response: { refresh_token: "rt-1", warning: "Refresh token rotation is off." },
    understood: { keeps: ["warning"], notes: ["token_type is missing or not usable"] },
  },
  keycloak: {
    registration: { config: { host: "sso.example.com", realm: "acme" } },
    sent: {
      url: "https://sso.example.com/realms/acme/protocol/openid-connect/token",
      client: "basic",
    },
    response: {
      expires_in: 300,
      refresh_expires_in: 1_209_600,
      refresh_token: "rt-2",
      token_type: "Bearer",
      "not-before-policy": 0,
      session_state: "fake-session",
      scope: "profile email",
    },
    understood: {
      refreshLifetimeSeconds: 14 * 86_400,
      keeps: ["not-before-policy", "session_state"],
    },
  },
  klaviyo: {
    sent: { url: "https://a.klaviyo.com/oauth/token", client: "basic" },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: "rt-2",
      scope: "accounts:read lists:read",
    },
  },
  line: {
    sent: { url: "https://api.line.me/oauth2/v2.1/token", client: "post" },
    response: {
      token_type: "Bearer",
      refresh_token: "rt-2",
      expires_in: 2_592_000,
      scope: "profile",
    },
    understood: { defaultLifetimeSeconds: 30 * 86_400, refreshLifetimeSeconds: 90 * 86_400 },
  },
  linear: {
    sent: { url: "https://api.linear.app/oauth/token", client: "post" },
    response: {
      token_type: "Bearer",
      expires_in: 86_399,
      refresh_token: "rt-2",
      scope: "read write",
    },
  },
  linkedin: {
    sent: { url: "https://www.linkedin.com/oauth/v2/accessToken", client: "post" },
    response: {
      expires_in: 5_184_000,
      refresh_token: "rt-1",
      refresh_token_expires_in: 26_438_400,
    },
    understood: {
      defaultLifetimeSeconds: 60 * 86_400,
      absoluteLifetimeSeconds: 306 * 86_400,
      notes: ["token_type is missing or not usable"],
    },
    rules: { refreshTokenAbsoluteSeconds: 365 * 86_400 },
    dead: {
      status: 400,
      response: {
        error: "invalid_request",
        error_description:
          "The provided authorization grant or refresh token is invalid, expired or revoked",
      },
    },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
