import { replay } from "../../../support/provider-replay.ts";

// https://developers.google.com/identity/protocols/oauth2/web-server#offline
describe("google", () => {
  test("a success has no refresh token, and starts the six months anew", async () => {
    const { tokens, request } = await replay("google", {
      body: {
        access_token: "at-2",
        expires_in: 3_920,
        scope: "https://www.googleapis.com/auth/drive.metadata.readonly",
        token_type: "Bearer",
      },
    });
    expect(request).toMatchObject({
      method: "POST",
      endpoint: "https://oauth2.googleapis.com/token",
    });
    expect(request.parameters).toEqual({
      grant_type: "refresh_token",
      refresh_token: "rt-1",
      client_id: "client",
      client_secret: "secret",
    });
    expect(tokens).toMatchObject({
      accessToken: "at-2",
      refreshToken: undefined,
      expiresInSeconds: 3_920,
      refreshTokenExpiresInSeconds: 180 * 86_400,
      notes: [],
    });
  });

  test("a dead token", async () => {
    const { result } = await replay("google", {
      status: 400,
      body: {
        error: "invalid_grant",
        error_description: "Token has been expired or revoked.",
      },
    });
    expect(result).toMatchObject({
      kind: "refused",
      providerErrorDescription: "Token has been expired or revoked.",
    });
  });

  // https://github.com/googleapis/google-auth-library-python (tests/oauth2/test__client.py),
  // https://github.com/googleapis/google-api-nodejs-client/issues/1256,
  // https://github.com/twentyhq/twenty/pull/25148
  test.each([
    [400, "internal_failure", { kind: "unavailable", retryAfterMs: undefined }],
    [400, "server_error", { kind: "unavailable", retryAfterMs: undefined }],
    [400, "admin_policy_enforced", { kind: "unavailable", concerns: "connection" }],
    [400, "policy_enforced", { kind: "unavailable", concerns: "connection" }],
    [401, "deleted_client", { kind: "client_rejected" }],
    [401, "invalid_client", { kind: "client_rejected" }],
    [400, "access_denied", { kind: "unusable" }],
  ])("%i %s", async (status, error, expected) => {
    const { result } = await replay("google", { status, body: { error } });
    expect(result).toMatchObject(expected);
  });
});
