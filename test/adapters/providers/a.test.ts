import { replay } from "../../support/provider-replay.ts";

// https://github.com/raycast/extensions/issues/11836
test.each([
  ["refresh_token is invalid", "refused"],
  ["The client is not authorized to use this grant type.", "client_rejected"],
])("atlassian: unauthorized_client, %s: %s", async (error_description, kind) => {
  const body = { error: "unauthorized_client", error_description };
  const { answer } = await replay("atlassian", { status: 403, body });
  expect(answer).toMatchObject({ kind, providerErrorDescription: error_description });
});
