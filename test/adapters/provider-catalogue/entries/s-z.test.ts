import { replay } from "../../../support/provider-replay.ts";

// https://docs.slack.dev/authentication/using-token-rotation
describe("slack", () => {
  const bot = {
    ok: true,
    access_token: "xoxe.xoxb-1-new",
    expires_in: 43_200,
    refresh_token: "xoxe-1-new",
    token_type: "bot",
    scope: "commands,incoming-webhook",
    team: { name: "Slack Softball Team", id: "T9TK3CUKW" },
  };

  test("a success rotates; the scope is separated by commas, and the team is kept", async () => {
    const { tokens, request } = await replay("slack", { body: bot });
    expect(request).toMatchObject({
      method: "POST",
      endpoint: "https://slack.com/api/oauth.v2.access",
      parameters: { grant_type: "refresh_token", refresh_token: "rt-1", client_secret: "secret" },
    });
    expect(tokens).toMatchObject({
      accessToken: "xoxe.xoxb-1-new",
      refreshToken: "xoxe-1-new",
      scope: "commands incoming-webhook",
      expiresInSeconds: 43_200,
      extra: { team: { id: "T9TK3CUKW" } },
      notes: [],
    });
  });

  test("the user's token set can be the connection's; the bot's is kept beside it", async () => {
    const user = { id: "U1", access_token: "xoxe.xoxp-1-new", refresh_token: "xoxe-1-user" };
    const { tokens } = await replay("slack", {
      secret: { tokens_at: "authed_user" },
      body: { ...bot, authed_user: { ...user, expires_in: 43_200, scope: "chat:write" } },
    });
    expect(tokens).toMatchObject({
      accessToken: "xoxe.xoxp-1-new",
      refreshToken: "xoxe-1-user",
      scope: "chat:write",
      extra: {
        authed_user: { id: "U1" },
        other_tokens: { access_token: "xoxe.xoxb-1-new", refresh_token: "xoxe-1-new" },
      },
    });
  });

  test.each([
    ["invalid_refresh_token", "refused"],
    ["token_revoked", "refused"],
    ["account_inactive", "refused"],
    ["bad_client_secret", "client_rejected"],
    ["ratelimited", "rate_limited"],
    ["service_unavailable", "unavailable"],
    ["fatal_error", "unusable"],
    ["invalid_auth", "unusable"],
  ])("ok: false, %s: %s", async (error, kind) => {
    const { result } = await replay("slack", { body: { ok: false, error } });
    expect(result).toMatchObject({ kind });
  });

  test.each(["team_added_to_org", "org_login_required", "accesslimited"])(
    "ok: false, %s: concerns the workspace, and is transient",
    async (error) => {
      const { result } = await replay("slack", { body: { ok: false, error } });
      expect(result).toMatchObject({ kind: "unavailable", concerns: "connection" });
    },
  );
});

// https://github.com/segmentio/action-destinations/pull/2300, https://github.com/sfdx-actions/setup-sfdx/issues/17
test.each([
  [
    "expired authorization code",
    { kind: "unavailable", retryAfterMs: 5_000, concerns: "connection" },
  ],
  ["ip restricted", { kind: "unavailable", retryAfterMs: 3_600_000, concerns: "connection" }],
  ["expired access/refresh token", { kind: "refused" }],
])("salesforce: invalid_grant, %s", async (error_description, expected) => {
  const body = { error: "invalid_grant", error_description };
  const { result } = await replay("salesforce", { status: 400, body });
  expect(result).toMatchObject(expected);
});

// https://github.com/Shopify/shopify-api-ruby/issues/1322
test.each([
  [400, "app_not_installed", "The application is not installed on this shop.", "refused"],
  [400, "invalid_request", "Missing required parameter: client_id", "unusable"],
  [401, "invalid_client", "Not known.", "client_rejected"],
])("shopify: %i %s, %s", async (status, error, error_description, kind) => {
  const body = { error, error_description };
  const { result } = await replay("shopify", { config: { shop: "acme-store" }, status, body });
  expect(result).toMatchObject({ kind, providerErrorDescription: error_description });
});

// https://developer.squareup.com/reference/square/o-auth/obtain-token
describe("square", () => {
  const response = {
    access_token: "at-2",
    token_type: "bearer",
    expires_at: "2026-01-31T12:00:00Z",
    merchant_id: "MLQW2MXBNZTJY",
    refresh_token: "rt-1",
    short_lived: false,
  };

  test("gets JSON, states the end as a date, and returns the same refresh token", async () => {
    const { tokens, request } = await replay("square", { body: response });
    expect(request).toMatchObject({
      method: "POST",
      endpoint: "https://connect.squareup.com/oauth2/token",
      headers: { "content-type": "application/json" },
    });
    expect(request.parameters).toEqual({
      grant_type: "refresh_token",
      refresh_token: "rt-1",
      client_id: "client",
      client_secret: "secret",
    });
    expect(tokens).toMatchObject({
      accessToken: "at-2",
      refreshToken: "rt-1",
      expiresInSeconds: 30 * 86_400,
      extra: { merchant_id: "MLQW2MXBNZTJY" },
      notes: [],
    });
  });

  test("a short-lived token ends at its date", async () => {
    const { tokens } = await replay("square", {
      body: { ...response, expires_at: "2026-01-02T12:00:00Z", short_lived: true },
    });
    expect(tokens?.expiresInSeconds).toBe(86_400);
  });

  test.each([
    [401, { type: "service.not_authorized", message: "Invalid refresh token" }, "refused"],
    [401, { type: "service.not_authorized", message: "Not Authorized" }, "unusable"],
    [401, { error: "invalid_grant" }, "refused"],
    [429, {}, "rate_limited"],
  ])("%i %j: %s", async (status, body, kind) => {
    expect((await replay("square", { status, body })).result).toMatchObject({ kind });
  });
});

// https://developers.strava.com/docs/authentication
describe("strava", () => {
  test("a success states the end twice, in seconds and as an instant", async () => {
    const { tokens, request } = await replay("strava", {
      body: {
        token_type: "Bearer",
        access_token: "at-2",
        expires_at: Date.UTC(2026, 0, 1, 18) / 1000,
        expires_in: 21_600,
        refresh_token: "rt-2",
      },
    });
    expect(request).toMatchObject({
      method: "POST",
      endpoint: "https://www.strava.com/oauth/token",
    });
    expect(request.headers.authorization).toBeUndefined();
    expect(request.parameters).toEqual({
      grant_type: "refresh_token",
      refresh_token: "rt-1",
      client_id: "client",
      client_secret: "secret",
    });
    expect(tokens).toMatchObject({
      accessToken: "at-2",
      refreshToken: "rt-2",
      expiresInSeconds: 21_600,
      notes: [],
    });
  });

  // https://github.com/dreeveapp/dreeve/issues/1449, https://github.com/dreeveapp/dreeve/issues/372
  test.each([
    ["RefreshToken", "refresh_token", "refused"],
    ["Application", "client_id", "client_rejected"],
    ["AuthorizationCode", "code", "unusable"],
  ])("an error about %s, %s: %s", async (resource, field, kind) => {
    const { result } = await replay("strava", {
      status: 400,
      body: { message: "Bad Request", errors: [{ resource, field, code: "invalid" }] },
    });
    expect(result).toMatchObject({ kind, providerErrorDescription: "Bad Request" });
  });

  test("too many requests", async () => {
    const { result } = await replay("strava", {
      status: 429,
      body: { message: "Rate Limit Exceeded", errors: [] },
    });
    expect(result).toMatchObject({ kind: "rate_limited" });
  });
});

// https://developer.withings.com/developer-guide/v3/integration-guide/public-health-data-api/get-access/access-and-refresh-tokens-no-recover
describe("withings", () => {
  test("a success has its tokens in the body of the body; the scope is separated by commas", async () => {
    const { tokens, request } = await replay("withings", {
      body: {
        status: 0,
        body: {
          userid: "363",
          access_token: "at-2",
          refresh_token: "rt-2",
          scope: "user.info,user.metrics",
          expires_in: 10_800,
          token_type: "Bearer",
        },
      },
    });
    expect(request).toMatchObject({
      method: "POST",
      endpoint: "https://wbsapi.withings.net/v2/oauth2",
    });
    expect(request.parameters).toEqual({
      action: "requesttoken",
      grant_type: "refresh_token",
      refresh_token: "rt-1",
      client_id: "client",
      client_secret: "secret",
    });
    expect(tokens).toEqual({
      accessToken: "at-2",
      refreshToken: "rt-2",
      scope: "user.info user.metrics",
      expiresInSeconds: 10_800,
      refreshTokenExpiresInSeconds: 365 * 86_400,
      refreshTokenAbsoluteExpiresInSeconds: undefined,
      extra: { status: 0, body: { userid: "363" } },
      notes: [],
    });
  });

  // https://github.com/StrategicSolutionsAI/LifeboardAI/blob/main/src/lib/withings/__tests__/client.test.ts
  test("a dead refresh token is reported with status 200", async () => {
    const { result } = await replay("withings", {
      body: { status: 503, body: {}, error: "Invalid Params: invalid refresh_token" },
    });
    expect(result).toMatchObject({ kind: "refused", providerError: "503" });
  });

  test("a failure with status 200 is a failure, and ends no connection unless it says so", async () => {
    const { result } = await replay("withings", {
      body: { status: 503, body: {}, error: "Invalid Params: invalid code" },
    });
    expect(result).toMatchObject({
      kind: "unusable",
      serverFailed: false,
      providerError: "503",
      providerErrorDescription: "Invalid Params: invalid code",
    });
  });

  test("too many requests", async () => {
    expect((await replay("withings", { status: 429, body: {} })).result).toMatchObject({
      kind: "rate_limited",
    });
  });
});

// https://zoho.com/accounts/protocol/oauth/web-apps/access-token-expiry.html
test("zoho: a connection with too many requests waits ten minutes, and another refused one does not", async () => {
  const refused = (error_description: string) =>
    replay("zoho", { status: 400, body: { error: "Access Denied", error_description } });
  const { result } = await refused("You have made too many requests continuously.");
  expect(result).toEqual({ kind: "rate_limited", retryAfterMs: 600_000, concerns: "connection" });
  expect((await refused("Not for this client.")).result).toMatchObject({ kind: "unusable" });
});

// These providers have one error for a dead token and for a malformed request.
test.each([
  ["x", { error: "invalid_request", error_description: "Missing required parameter [client_id]." }],
  ["webex", { message: "The request is missing a required parameter.", trackingId: "ROUTER_fake" }],
  ["reddit", { message: "Bad Request", error: 400 }],
  [
    "linkedin",
    {
      error: "invalid_request",
      error_description: 'A required parameter "refresh_token" is missing',
    },
  ],
  ["bitbucket", { error: "invalid_request", error_description: "Unsupported grant type: None" }],
] as const)("%s: %j does not end the connection", async (name, body) => {
  const { result } = await replay(name, { status: 400, body });
  expect(result).toMatchObject({ kind: "unusable", serverFailed: false });
});

test.each([
  ["slack", 12 * 3_600],
  ["square", 30 * 86_400],
  ["strava", 6 * 3_600],
  ["withings", 3 * 3_600],
] as const)("%s: an access token without a stated end lives %i s", async (name, seconds) => {
  const { tokens } = await replay(name, { body: { access_token: "at-2" } });
  expect(tokens?.expiresInSeconds).toBe(seconds);
});
