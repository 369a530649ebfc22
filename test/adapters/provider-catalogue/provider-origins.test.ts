import { catalogue } from "../../../functions/adapters/client-registration/registered-provider.ts";
import { providerOrigins } from "../../../functions/adapters/provider-catalogue/provider-origins.ts";
import { ownValue } from "../../../functions/adapters/provider-catalogue/stated-values.ts";

const originsOf = (name: string) => {
  const entry = ownValue(catalogue, name);
  return entry && providerOrigins(entry);
};

test.each([
  ["google", { origins: ["https://oauth2.googleapis.com"], below: undefined }],
  [
    "docusign",
    {
      origins: ["https://account.docusign.com", "https://account-d.docusign.com"],
      below: undefined,
    },
  ],
  ["zendesk", { origins: [], below: "zendesk.com" }],
  ["okta", { origins: [], below: undefined }],
])("%s", (name, expected) => {
  expect(originsOf(name)).toEqual(expected);
});

test("a data centre that is a choice is the provider's", () => {
  expect(originsOf("zoho")?.origins).toContain("https://accounts.zoho.eu");
  expect(originsOf("exact-online")?.origins).toContain("https://start.exactonline.co.uk");
  expect(originsOf("microsoft")?.origins).toContain("https://login.microsoftonline.com");
});

test("origins of the entry come before those of its endpoints, each once", () => {
  const entry = {
    tokenEndpoint: "https://{host}/token",
    refreshEndpoint: "https://refresh.example/token",
    variables: { host: { choices: ["a.example", "b.example"] } },
    origins: ["https://former.example", "https://a.example"],
  } as const;
  expect(providerOrigins(entry).origins).toEqual([
    ...["https://former.example", "https://a.example", "https://b.example"],
    "https://refresh.example",
  ]);
});

test("a domain is the provider's own for every host that a connection may choose", () => {
  for (const { tokenEndpoint, originsBelow } of Object.values(catalogue)) {
    if (originsBelow === undefined) continue;
    const host = tokenEndpoint.split("/")[2] ?? "";
    expect(host.endsWith(`}.${originsBelow}`)).toBe(true);
  }
});
