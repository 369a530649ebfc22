import { replay } from "../../../support/provider-replay.ts";

// https://github.com/raycast/extensions/issues/11836
test.each([
  ["refresh_token is invalid", "refused"],
  ["The client is not authorized to use this grant type.", "client_rejected"],
])("atlassian: unauthorized_client, %s: %s", async (error_description, kind) => {
  const body = { error: "unauthorized_client", error_description };
  const { result } = await replay("atlassian", { status: 403, body });
  expect(result).toMatchObject({ kind, providerErrorDescription: error_description });
});

// https://github.com/auth0-samples/auth0-angular-samples/issues/201, https://github.com/auth0/docs/pull/8758
describe.each(["atlassian", "auth0"] as const)("%s: access_denied", (name) => {
  const secret = { config: { host: "acme.eu.auth0.com" } };

  test.each([
    [401, "Unauthorized", "client_rejected"],
    [401, "Unauthorized: not in this country", "unusable"],
    [403, "Unauthorized", "unusable"],
  ])("%i %s", async (status, error_description, kind) => {
    const body = { error: "access_denied", error_description };
    const { result } = await replay(name, { ...(name === "auth0" && { secret }), status, body });
    expect(result).toMatchObject({ kind });
  });
});
