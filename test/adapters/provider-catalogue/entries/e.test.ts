import { replay } from "../../../support/provider-replay.ts";

describe("exact-online", () => {
  const config = { country: "nl" };

  // https://github.com/websmurf/laravel-exact-online/issues/23
  test("a refresh token that was not used in time is dead", async () => {
    const error_description =
      "The refresh token expired at 10/11/2025 9:18:20 PM and it is now 1/1/2026 12:00:00 PM.";
    const body = { error: "invalid_request", error_description };
    const { result } = await replay("exact-online", { config, status: 400, body });
    expect(result).toMatchObject({ kind: "refused", providerErrorDescription: error_description });
  });

  test("another malformed request does not end the connection", async () => {
    const body = { error: "invalid_request", error_description: "Missing parameter: grant_type" };
    const { result } = await replay("exact-online", { config, status: 400, body });
    expect(result).toMatchObject({ kind: "unusable", serverFailed: false });
  });

  // https://github.com/websmurf/laravel-exact-online/issues/31
  test("a refresh that came too early is tried again half a minute later", async () => {
    const error_description = "Rate limit exceeded: access_token not expired";
    const body = { error: "access_denied", error_description };
    const { result } = await replay("exact-online", { config, status: 400, body });
    expect(result).toEqual({
      kind: "rate_limited",
      retryAfterMs: 30_000,
      concerns: "connection",
    });
  });
});
