import { readFileSync } from "node:fs";
import { join } from "node:path";
import { providersDocument } from "../../bin/docs/providers-document.ts";
import { catalogue } from "../../functions/adapters/client-registration/registered-provider.ts";

test("docs/providers.md says what the catalogue does: npm run docs:providers", () => {
  const file = join(__dirname, "../../docs/providers.md");
  expect(readFileSync(file, "utf8")).toBe(providersDocument(catalogue));
});

test("every field that an entry states is in the document", () => {
  const document = providersDocument({
    acme: {
      title: "Acme",
      tokenEndpoint: "https://{region}.acme.example/{tenant}/token",
      refreshEndpoint: "https://{region}.acme.example/{tenant}/refresh",
      variables: {
        region: { choices: ["eu", "us"], default: "eu" },
        tenant: { pattern: "^[a-z]+$", example: "contoso", setBy: "integration" },
      },
      origins: ["https://former.example"],
      originsBelow: "acme.example",
      source: ["https://acme.example/docs", "https://acme.example/limits"],
      verified: "secondary",
      note: "Rotation was read in a forum.",
      tokenEndpointAuthMethod: "client_secret_post",
      errorAt: "code",
      rotation: "setting",
      rotationGraceSeconds: 30,
      refreshTokenIdleSeconds: 604_800,
      refreshTokenAbsoluteSeconds: 31_536_000,
      accessTokenLifetimeSeconds: 5_400,
      minimumRefreshIntervalSeconds: 570,
      maxPerMinute: 5,
      maxConcurrent: 2,
    },
  });
  for (const text of [
    "1 providers",
    "[Acme](#acme) | `client_secret_post` | 90 min | setting, 30 s | idle 7 d, absolute 365 d |",
    "| every 570 s, 5 a minute, 2 at a time | `refresh_endpoint`, `variables`, `error_at` | secondary |",
    "`https://{region}.acme.example/{tenant}/refresh`. Rotation was read in a forum.",
    "- `region`: one of `eu`, `us`; by default `eu`",
    "- `tenant`: stated by the integration, for example `contoso`",
    "- tokens move among the hosts below `acme.example`",
    "- tokens also move to and from `https://former.example`",
    "- <https://acme.example/docs>\n- <https://acme.example/limits>",
  ]) {
    expect(document).toContain(text);
  }
});
