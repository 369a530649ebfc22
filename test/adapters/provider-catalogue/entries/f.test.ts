import { replay } from "../../../support/provider-replay.ts";

// https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
describe("facebook", () => {
  test("the access token is exchanged for another, in the query of a GET", async () => {
    const { tokens, request } = await replay("facebook", {
      body: { access_token: "at-2", token_type: "bearer", expires_in: 5_183_944 },
    });
    expect(request).toMatchObject({
      method: "GET",
      endpoint: "https://graph.facebook.com/oauth/access_token",
    });
    expect(request.query).toEqual({
      grant_type: "fb_exchange_token",
      client_id: "client",
      client_secret: "secret",
      fb_exchange_token: "at-1",
    });
    expect(tokens).toMatchObject({
      accessToken: "at-2",
      expiresInSeconds: 5_183_944,
      refreshTokenExpiresInSeconds: 5_183_944,
      notes: [],
    });
  });

  test("a response without a lifetime: sixty days", async () => {
    const { tokens } = await replay("facebook", {
      body: { access_token: "at-2", token_type: "bearer" },
    });
    expect(tokens?.expiresInSeconds).toBe(60 * 86_400);
  });

  // https://developers.facebook.com/docs/graph-api/guides/error-handling
  test.each([
    [190, { kind: "refused" }],
    [102, { kind: "refused" }],
    [4, { kind: "rate_limited", concerns: "integration" }],
    [341, { kind: "rate_limited", concerns: "integration" }],
    [17, { kind: "rate_limited", concerns: "connection" }],
    [1, { kind: "unavailable", concerns: undefined }],
    [2, { kind: "unavailable", concerns: undefined }],
    [368, { kind: "unavailable", concerns: "connection" }],
    [100, { kind: "unusable" }],
  ])("error %i", async (code, expected) => {
    const error = { message: "Message", type: "OAuthException", code, fbtrace_id: "EJplcsCHuLu" };
    const { result } = await replay("facebook", { status: 400, body: { error } });
    expect({ concerns: undefined, ...result }).toMatchObject(expected);
  });

  // https://github.com/facebookarchive/php-graph-sdk/issues/538, https://github.com/sns-sdks/python-facebook/issues/271
  test.each([
    [1, "Error validating client secret."],
    [101, "Error validating application. Cannot get application info due to a system error."],
  ])("error %i of the app, %s", async (code, message) => {
    const error = { message, type: "OAuthException", code };
    const { result } = await replay("facebook", { status: 400, body: { error } });
    expect(result).toMatchObject({ kind: "client_rejected" });
  });
});
