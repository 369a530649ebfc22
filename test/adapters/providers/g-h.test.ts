import { replay } from "../../support/provider-replay.ts";

// https://developers.google.com/identity/protocols/oauth2/web-server#offline
describe("google", () => {
  test("a success brings no refresh token, and begins six months anew", async () => {
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
    const { answer } = await replay("google", {
      status: 400,
      body: {
        error: "invalid_grant",
        error_description: "Token has been expired or revoked.",
      },
    });
    expect(answer).toMatchObject({
      kind: "refused",
      providerErrorDescription: "Token has been expired or revoked.",
    });
  });
});
