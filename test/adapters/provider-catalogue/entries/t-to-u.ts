import type { DocumentedExchange } from "./documented-exchange.ts";

/**
 * Responses as the pages of each entry's `source` show them, or as in RFC 6749 §5 where the pages show none. All values
 * are made up.
 */
export const exchangesTToU = {
  tesla: {
    sent: {
      url: "https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 28800,
      refresh_token: "fake-rt-2",
    },
  },
  tiktok: {
    sent: {
      url: "https://open.tiktokapis.com/v2/oauth/token/",
      client: "unnamed",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        client_key: "client",
        client_secret: "s/2=",
      },
    },
    response: {
      expires_in: 7200,
      open_id: "fake-open-id",
      refresh_expires_in: 15552000,
      refresh_token: "fake-rt-2",
      scope: "user.info.basic,video.list",
      token_type: "Bearer",
    },
    understood: {
      defaultLifetimeSeconds: 7200,
      refreshLifetimeSeconds: 180 * 86_400,
      defaultRefreshLifetimeSeconds: 180 * 86_400,
      scope: "user.info.basic video.list",
      keeps: ["open_id"],
    },
    dead: {
      status: 400,
      response: {
        error: "invalid_grant",
        error_description: "The refresh token is invalid or expired.",
        log_id: "202601011200000000000000000000000",
      },
    },
  },
  todoist: {
    sent: {
      url: "https://todoist.com/oauth/access_token",
      client: "post",
    },
    response: {
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: "fake-rt-2",
    },
  },
  twitch: {
    sent: {
      url: "https://id.twitch.tv/oauth2/token",
      client: "post",
    },
    response: {
      expires_in: 14124,
      refresh_token: "fake-rt-2",
      scope: ["channel:read:polls", "channel:manage:polls"],
      token_type: "bearer",
    },
    understood: {
      scope: "channel:read:polls channel:manage:polls",
      notes: ["scope is an array"],
    },
    dead: {
      status: 400,
      words: "Invalid refresh token",
      response: {
        status: 400,
        message: "Invalid refresh token",
      },
    },
  },
  typeform: {
    sent: {
      url: "https://api.typeform.com/oauth/token",
      client: "post",
    },
    response: {
      token_type: "bearer",
      expires_in: 604800,
      refresh_token: "fake-rt-2",
    },
    understood: {
      defaultLifetimeSeconds: 7 * 86_400,
    },
  },
  uber: {
    config: {
      redirect_uri: "https://app.example.com/callback",
    },
    sent: {
      url: "https://auth.uber.com/oauth/v2/token",
      client: "post",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: "rt-1",
        redirect_uri: "https://app.example.com/callback",
      },
    },
    response: {
      token_type: "Bearer",
      expires_in: 2592000,
      refresh_token: "MA.fake-rt-2",
      scope: "offline_access profile",
    },
    understood: {
      defaultLifetimeSeconds: 30 * 86_400,
    },
  },
} as const satisfies Readonly<Record<string, DocumentedExchange>>;
