import { replay } from "../../../support/provider-replay.ts";

// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
describe("microsoft", () => {
  const refused = async (error: string, error_description: string, status = 400) =>
    (await replay("microsoft", { status, body: { error, error_description } })).result;
  const later = { kind: "unavailable", retryAfterMs: 3_600_000, concerns: "connection" };

  test.each([
    [
      "invalid_grant",
      "AADSTS50196: The server terminated an operation because it encountered a client request loop.",
      { kind: "rate_limited", retryAfterMs: 300_000, concerns: "connection" },
    ],
    [
      "invalid_grant",
      "AADSTS53003: Access has been blocked by Conditional Access policies.",
      later,
    ],
    ["unauthorized_client", "AADSTS7000112: Application 'fake'(Fake) is disabled.", later],
    [
      "unauthorized_client",
      "AADSTS700016: Application with identifier 'fake' was not found in the directory 'Contoso'.",
      later,
    ],
    [
      "invalid_grant",
      "AADSTS700082: The refresh token has expired due to inactivity.",
      { kind: "refused" },
    ],
    [
      "invalid_grant",
      "AADSTS50076: Due to a configuration change made by your administrator, or because you moved.",
      { kind: "refused" },
    ],
    ["consent_required", "AADSTS65001: The user has not consented.", { kind: "unusable" }],
    ["unauthorized_client", "AADSTS70001: fake", { kind: "client_rejected" }],
  ])("%s, %s", async (error, words, expected) => {
    expect(await refused(error, words)).toMatchObject(expected);
  });

  // https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud
  test("a national cloud has its own host", async () => {
    const config = { host: "login.microsoftonline.us", tenant: "contoso.example" };
    const { request } = await replay("microsoft", { config, body: { access_token: "at-2" } });
    expect(request.endpoint).toBe(
      "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token",
    );
  });
});
