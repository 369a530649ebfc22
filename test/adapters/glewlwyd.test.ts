import { parseClientRegistration } from "../../functions/adapters/client-registration.ts";
import { oauthTokenGrant } from "../../functions/adapters/oauth-token-grant.ts";
import type { RegistrationName } from "../../functions/domain/connection.ts";
import { Secret } from "../../functions/domain/secret.ts";
import { type Glewlwyd, glewlwydIsMissing, startGlewlwyd } from "../support/glewlwyd.ts";

const grant = oauthTokenGrant({ clock: { nowMs: Date.now }, allowLoopback: true });
const refreshAt = (members: object, refreshToken: string) =>
  grant.refresh({
    registration: parseClientRegistration(
      "integrations/glewlwyd" as RegistrationName,
      "1",
      JSON.stringify(members),
    ),
    config: {},
    refreshToken: new Secret(refreshToken),
    accessToken: new Secret(""),
    scope: undefined,
    timeoutMs: 10_000,
    maySend: () => true,
  });

function whereItIsInstalled() {
  let server: Glewlwyd;
  beforeAll(async () => {
    server = await startGlewlwyd();
  });
  afterAll(() => server.close());
  const members = () => ({ issuer: server.issuer, ...server.client });

  test("its token endpoint is found by its issuer, and tokens come, rotated", async () => {
    const first = await refreshAt(members(), await server.newRefreshToken());
    if (first.kind !== "granted") throw new Error(JSON.stringify(first));
    expect(first.tokens).toMatchObject({ scope: "read", tokenType: "bearer" });
    const rotated = first.tokens.refreshToken?.reveal() ?? "";
    expect(await refreshAt(members(), rotated)).toMatchObject({ kind: "granted" });
  });

  // Glewlwyd 2.7 answers either with 400 and nothing: nobody's word for it that the token is dead.
  test("a used token and a wrong secret, of which it says nothing, kill no connection", async () => {
    const nothing = { kind: "unusable", reason: "expected tokens, got an empty body, status 400" };
    const used = await server.newRefreshToken();
    expect(await refreshAt(members(), used)).toMatchObject({ kind: "granted" });
    expect(await refreshAt(members(), used)).toMatchObject(nothing);
    const fresh = await server.newRefreshToken();
    const wrong = { ...members(), client_secret: "wrong" };
    expect(await refreshAt(wrong, fresh)).toMatchObject(nothing);
  });
}

function whereItIsNot() {
  test(`nothing can be tried: ${glewlwydIsMissing}`, () => {
    console.info(`Tests against glewlwyd are left out: ${glewlwydIsMissing}.`);
    expect(glewlwydIsMissing).toBeDefined();
  });
}

describe("glewlwyd", glewlwydIsMissing === undefined ? whereItIsInstalled : whereItIsNot);
