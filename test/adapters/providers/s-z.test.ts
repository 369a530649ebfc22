import { replay } from "../../support/provider-replay.ts";

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

  test("a success is rotated; the scope is a comma list, and the team is kept", async () => {
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
    ["bad_client_secret", "client_rejected"],
    ["ratelimited", "rate_limited"],
    ["service_unavailable", "unavailable"],
    ["fatal_error", "unusable"],
  ])("ok: false, %s: %s", async (error, kind) => {
    const { answer } = await replay("slack", { body: { ok: false, error } });
    expect(answer).toMatchObject({ kind });
  });
});
