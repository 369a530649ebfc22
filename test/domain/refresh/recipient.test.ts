import type { TokenBinding } from "../../../functions/domain/model/token-binding.ts";
import type { Successor } from "../../../functions/domain/ports/rebinds.ts";
import {
  bindingOf,
  connection,
  harness,
  registration,
  sealed,
  startMs,
  tokenSet,
} from "../../support/refresh-harness.ts";

/** The endpoint and the client of the harness. */
const issuer: TokenBinding = {
  clientId: "client",
  origin: "https://provider.example",
  path: "/token",
};
const boundTo = (changes: Partial<TokenBinding>) =>
  connection({ credentials: sealed(tokenSet(), { ...issuer, ...changes }) });

const withOrigins = (providerOrigins: typeof registration.providerOrigins) => ({
  registry: { registration: async () => ({ ...registration, providerOrigins }) },
});

type Moves = readonly (readonly [from: string, to: Successor])[];

const moves = (...successors: Moves) => ({
  rebinds: {
    successorOf: async ({ clientId, origin }: Pick<TokenBinding, "clientId" | "origin">) =>
      successors.find(([from]) => from === `${clientId} ${origin}`)?.[1],
  },
});
const to = (changes: Partial<Successor> = {}): Successor => ({
  ...{ clientId: "client", origin: "https://provider.example", path: undefined },
  ...changes,
});

const stored = (h: ReturnType<typeof harness>) => {
  const { credentials = sealed(tokenSet()) } = h.stored();
  return bindingOf(credentials);
};

test("tokens go to the endpoint that issued them", async () => {
  const h = harness({ stored: boundTo({}) });
  await h.refresh();
  expect(stored(h)).toMatchObject(issuer);
});

test.each<[string, Partial<TokenBinding>]>([
  ["another origin", { origin: "https://attacker.example" }],
  ["another client", { clientId: "another" }],
  ["another path", { path: "/api/chat.postMessage" }],
])("tokens of %s are not sent, and the connection lives", async (_, changes) => {
  const before = boundTo(changes);
  const h = harness({ stored: before });
  await expect(h.refresh()).rejects.toMatchObject({ code: "misconfigured_integration" });
  expect(h.tokenRequests).toEqual([]);
  expect(h.stored()).toMatchObject({
    ...{ status: "active", credentials: before.credentials, lease: undefined },
    failure: { code: "misconfigured_integration", beganAtMs: startMs },
  });
  expect(h.codes()).toEqual(["token_request.withheld", "refresh.failed"]);
});

test("the event names both endpoints", async () => {
  const h = harness({ stored: boundTo({ origin: "https://former.example" }) });
  await expect(h.refresh()).rejects.toThrow(
    "the tokens were issued by https://former.example/token, and are not sent to https://provider.example/token: integrations rebind permits it",
  );
  expect(h.events).toContainEqual({
    code: "token_request.withheld",
    ...{ connectionId: "conn_1", workspaceId: "wsp_1", integration: "acme" },
    registrationName: "integrations/acme",
    boundTo: "https://former.example/token",
    tokenEndpoint: "https://provider.example/token",
    isSameClient: true,
  });
});

test("a client's id is not shown to whoever asks for another's", async () => {
  const h = harness({ stored: boundTo({ clientId: "theirs" }) });
  await expect(h.refresh()).rejects.not.toThrow("theirs");
});

describe("unbound tokens", () => {
  test("are sent, and bound by the response", async () => {
    const h = harness();
    await h.refresh();
    expect(stored(h)).toMatchObject(issuer);
  });
  test("that come alone are bound as well", async () => {
    const rotated = {
      kind: "rotated",
      reason: "no access token",
      refreshToken: tokenSet().accessToken,
    } as const;
    const h = harness({ results: [rotated] });
    await expect(h.refresh()).rejects.toMatchObject({ code: "provider_error" });
    expect(stored(h)).toMatchObject(issuer);
  });
  test("are not sent once the transition has ended", async () => {
    const h = harness({ requiresBinding: true });
    await expect(h.refresh()).rejects.toThrow("connections reencrypt --bind");
    expect(h.tokenRequests).toEqual([]);
  });
});

describe("at a provider in the catalogue", () => {
  const own = { origins: ["https://provider.example", "https://eu.provider.example"] };

  test("tokens move to another data centre", async () => {
    const h = harness({
      stored: boundTo({ origin: "https://eu.provider.example", path: "/former" }),
      ...withOrigins(own),
    });
    await h.refresh();
    expect(stored(h)).toMatchObject(issuer);
  });
  test.each([
    ["renamed tenant's", "https://tenant.example", true],
    ["server's outside the domain", "https://tenant.example.attacker.example", false],
    ["server's at another port", "https://a.tenant.example:8443", false],
    ["server's without TLS", "http://a.tenant.example", false],
  ])("tokens of a %s below the provider's domain move: %s %s", async (_, origin, isSent) => {
    const from = isSent ? "https://a.tenant.example" : origin;
    const h = harness({
      stored: boundTo({ origin: from }),
      registry: {
        registration: async () => ({
          ...registration,
          tokenEndpoint: "https://b.tenant.example/token",
          providerOrigins: { origins: [], below: "tenant.example" },
        }),
      },
    });
    const ended = await h.refresh().then(
      () => true,
      () => false,
    );
    expect(ended).toBe(isSent);
    expect(h.tokenRequests).toHaveLength(isSent ? 1 : 0);
  });
  test("another client's tokens do not move", async () => {
    const h = harness({
      stored: boundTo({ origin: "https://eu.provider.example", clientId: "another" }),
      ...withOrigins(own),
    });
    await expect(h.refresh()).rejects.toMatchObject({ code: "misconfigured_integration" });
  });
});

describe("after an operator has moved tokens", () => {
  const former = { origin: "https://former.example" };
  const from = "client https://former.example";

  test.each<[string, Partial<TokenBinding>, Moves]>([
    ["from one origin to another", former, [[from, to()]]],
    ["to another path", { ...former, path: "/old" }, [[from, to({ path: "/token" })]]],
    [
      "to another path at the same origin",
      { path: "/old" },
      [["client https://provider.example", to({ path: "/token" })]],
    ],
    ["to another client", { clientId: "old" }, [["old https://provider.example", to()]]],
    [
      "twice",
      former,
      [
        [from, to({ origin: "https://later.example" })],
        ["client https://later.example", to()],
      ],
    ],
  ])("%s, they are sent and follow with their commit", async (_, changes, successors) => {
    const h = harness({ stored: boundTo(changes), ...moves(...successors) });
    await h.refresh();
    expect(stored(h)).toMatchObject(issuer);
  });

  test.each<[string, Partial<TokenBinding>, Moves]>([
    ["a path that was not permitted", { ...former, path: "/old" }, [[from, to()]]],
    ["an origin that was not", former, [[from, to({ origin: "https://third.example" })]]],
    [
      "a round of moves",
      former,
      [
        [from, to({ origin: "https://later.example" })],
        ["client https://later.example", to({ origin: "https://former.example" })],
      ],
    ],
  ])("they are not sent to %s", async (_, changes, successors) => {
    const h = harness({ stored: boundTo(changes), ...moves(...successors) });
    await expect(h.refresh()).rejects.toMatchObject({ code: "misconfigured_integration" });
    expect(h.tokenRequests).toEqual([]);
  });
});
