import { replay } from "../../../support/provider-replay.ts";

// https://github.com/basecamp/bc-api/issues/247
test.each([
  ["Unknown Basecamp ID.", "refused"],
  ["Unauthorized", "unusable"],
  ["<html><body>Unknown Basecamp ID.</body></html>", "unusable"],
])("basecamp: a bare 401, %s: %s", async (body, kind) => {
  const { result } = await replay("basecamp", {
    secret: { redirect_uri: "https://app.example.com/callback" },
    status: 401,
    headers: { "Content-Type": "text/plain; charset=utf-8" },
    body,
  });
  expect(result).toMatchObject({ kind });
});
