import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { closeServer, listenOnLoopback } from "../../../bin/local/loopback.ts";
import { oauthTokenEndpoint } from "../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import type { TokenRequest } from "../../../functions/domain/ports/token-endpoint.ts";
import { acmeCertificate } from "../../support/client-certificates.ts";
import { manualClock } from "../../support/local-aws-clients.ts";
import { parsedRegistration } from "../../support/parsed-registration.ts";
import { tokenRequest } from "../../support/token-requests.ts";
import { startVerifyingServer, trustLocalhost } from "../../support/verifying-server.ts";

type Members = Readonly<Record<string, unknown>>;
type Respond = (response: ServerResponse, request: IncomingMessage) => void;

const registrationOf = (members: Members) =>
  parsedRegistration({ client_id: "client", client_secret: "secret", ...members });
const requestOf = (members: Members, changes: Partial<TokenRequest> = {}): TokenRequest =>
  tokenRequest(registrationOf(members), changes);

const rootPlace = "/.well-known/oauth-authorization-server";
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** An authorization server with these paths, and a token endpoint that grants tokens. */
async function serving(places: (origin: string) => Readonly<Record<string, Respond>>) {
  const asked: string[] = [];
  const paths: Record<string, Respond> = {};
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const respond = paths[request.url ?? ""];
    if (respond === undefined) response.writeHead(404).end("no such page");
    else respond(response, request);
  });
  const origin = await listenOnLoopback(server);
  closing.push(() => closeServer(server));
  Object.assign(paths, {
    "/token": json({ access_token: "at-2", token_type: "Bearer" }),
    ...places(origin),
  });
  return { origin, asked, metadata: { issuer: origin, token_endpoint: `${origin}/token` } };
}

const json =
  (body: unknown): Respond =>
  (response) => {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  };
const status =
  (code: number, headers: Record<string, string> = {}): Respond =>
  (response) => {
    response.writeHead(code, headers).end();
  };

const clock = { nowMs: () => Date.UTC(2026, 0, 1) };
const newGrant = (options: Partial<Parameters<typeof oauthTokenEndpoint>[0]> = {}) =>
  oauthTokenEndpoint({ clock, allowLoopback: true, ...options });
const refresh = (members: Members, changes: Partial<TokenRequest> = {}) =>
  newGrant().refresh(requestOf(members, changes));

describe("an issuer's metadata is found", () => {
  const metadataOf = (issuer: string, origin: string) =>
    json({ issuer, token_endpoint: `${origin}/token` });

  test.each([
    ["RFC 8414 §3.1", "", rootPlace],
    ["OpenID Connect Discovery §4.1", "", "/.well-known/openid-configuration"],
    ["RFC 8414 §3.1, with a path", "/realms/acme", `${rootPlace}/realms/acme`],
    ["RFC 8414 §5, with a path", "/realms/acme", "/.well-known/openid-configuration/realms/acme"],
    ["OpenID, with a path", "/realms/acme", "/realms/acme/.well-known/openid-configuration"],
    ["with a slash at the end of the host", "/", rootPlace],
    ["with a slash at the end of the path", "/tenant/", `${rootPlace}/tenant`],
  ])("where %s puts it", async (_, path, place) => {
    const { origin, asked } = await serving((origin) => ({
      [place]: metadataOf(`${origin}${path}`, origin),
    }));
    expect(await refresh({ issuer: `${origin}${path}` })).toMatchObject({ kind: "granted" });
    expect(asked.slice(-2)).toEqual([place, "/token"]);
  });

  test("after places that hold something else", async () => {
    const { origin } = await serving((origin) => ({
      [`${rootPlace}/t`]: (response) => response.end("<html>"),
      "/.well-known/openid-configuration/t": json({ issuer: origin, token_endpoint: "x" }),
      "/t/.well-known/openid-configuration": metadataOf(`${origin}/t`, origin),
    }));
    expect(await refresh({ issuer: `${origin}/t` })).toMatchObject({ kind: "granted" });
  });

  test("at a real authorization server, and its metadata accepts the methods it lists", async () => {
    const endTrust = trustLocalhost();
    closing.push(async () => endTrust());
    const server = await startVerifyingServer({
      clients: [{ client_id: "client", client_secret: "secret" }],
    });
    closing.push(server.close);
    const refreshToken = new Secret(await server.mintRefreshToken("client"));
    const result = await newGrant({ clock: { nowMs: Date.now } }).refresh(
      requestOf({ issuer: server.issuer }, { refreshToken }),
    );
    expect(result).toMatchObject({ kind: "granted" });
  });

  test("says how a client authenticates whose registration does not", async () => {
    const { origin } = await serving((origin) => ({
      [rootPlace]: json({
        issuer: origin,
        token_endpoint: `${origin}/post`,
        token_endpoint_auth_methods_supported: ["client_secret_post"],
      }),
      "/post": async (response, request) => {
        const form = new URLSearchParams(await text(request));
        const isMeant = !request.headers.authorization && form.get("client_secret") === "secret";
        json(isMeant ? { access_token: "at-2" } : { error: "invalid_client" })(response, request);
      },
    }));
    expect(await refresh({ issuer: origin })).toMatchObject({ kind: "granted" });
    const stated = { issuer: origin, token_endpoint_auth_method: "client_secret_basic" };
    expect(await refresh(stated)).toMatchObject({ kind: "misconfigured" });
  });
});

describe("metadata that may not be believed: misconfigured, and no token is sent", () => {
  const otherPlace = `; /.well-known/openid-configuration has status 404`;

  test.each<[string, (origin: string) => Respond, string]>([
    [
      "another issuer's",
      (origin) => json({ issuer: "https://evil.example", token_endpoint: `${origin}/token` }),
      "is another issuer's",
    ],
    [
      "its issuer with a slash more",
      (origin) => json({ issuer: `${origin}/`, token_endpoint: `${origin}/token` }),
      "names the issuer with a slash at its end, and the registration without",
    ],
    [
      "its issuer in other letters",
      (origin) =>
        json({ issuer: origin.replace("http", "HTTP"), token_endpoint: `${origin}/token` }),
      "is another issuer's",
    ],
    [
      "without an issuer",
      (origin) => json({ token_endpoint: `${origin}/token` }),
      "is another issuer's",
    ],
    ["without a token endpoint", (origin) => json({ issuer: origin }), "names no token_endpoint"],
    [
      "with a token endpoint that is no URL",
      (origin) => json({ issuer: origin, token_endpoint: "/token" }),
      "names no token_endpoint",
    ],
    [
      "with a variable in its token endpoint",
      (origin) => json({ issuer: origin, token_endpoint: "https://{x}.example.com/token" }),
      "names no token_endpoint",
    ],
    [
      "with an alias that is no URL",
      (origin) =>
        json({
          issuer: origin,
          token_endpoint: `${origin}/token`,
          mtls_endpoint_aliases: { token_endpoint: 1 },
        }),
      "names no token_endpoint for clients with a certificate",
    ],
    ["not JSON", () => (response) => response.end("<html>"), "is not a JSON object"],
    ["an array", () => json([]), "is not a JSON object"],
    [
      "behind a redirect",
      (origin) => status(302, { Location: `${origin}/elsewhere` }),
      "is a redirect, which is not followed",
    ],
    ["forbidden", () => status(403), "has status 403"],
    [
      "over a mebibyte",
      () => (response) => response.end(`{"junk":"${"x".repeat(1024 * 1024)}"}`),
      "is larger than 1048576 bytes",
    ],
  ])("%s", async (_, respond, fault) => {
    const { origin, asked } = await serving((origin) => ({
      [rootPlace]: respond(origin),
      "/elsewhere": json({ issuer: origin, token_endpoint: `${origin}/token` }),
    }));
    expect(await refresh({ issuer: origin })).toEqual({
      kind: "misconfigured",
      reason: `the issuer has no usable metadata: ${rootPlace} ${fault}${otherPlace}`,
    });
    expect(asked).toEqual([rootPlace, "/.well-known/openid-configuration"]);
  });

  test("its issuer with a slash less", async () => {
    const { origin } = await serving((origin) => ({
      [rootPlace]: json({ issuer: origin, token_endpoint: `${origin}/token` }),
    }));
    expect(await refresh({ issuer: `${origin}/` })).toMatchObject({
      kind: "misconfigured",
      reason: expect.stringContaining(
        "names the issuer without a slash at its end, and the registration with one",
      ),
    });
  });

  test("whose token endpoint breaks the rules that any token endpoint is held to", async () => {
    const reasonWith = async (token_endpoint: string) => {
      const { origin } = await serving((origin) => ({
        [rootPlace]: json({ issuer: origin, token_endpoint }),
      }));
      const result = await refresh({ issuer: origin });
      return result.kind === "misconfigured" ? result.reason : result.kind;
    };
    expect(await reasonWith("http://acme.example/token")).toBe(
      "the token endpoint has to be https",
    );
    expect(await reasonWith("https://u:hunter2@acme.example/token")).toBe(
      "the token endpoint may not hold a user or a password",
    );
    expect(await reasonWith("https://169.254.169.254/token")).toBe(
      "the host of the token endpoint has no address that may be connected to",
    );
  });

  test("of an issuer that does not take the client's method; one that has none is always tried", async () => {
    const { origin, asked, metadata } = await serving((origin) => ({
      [rootPlace]: json({
        issuer: origin,
        token_endpoint: `${origin}/token`,
        token_endpoint_auth_methods_supported: ["private_key_jwt"],
      }),
    }));
    expect(await refresh({ issuer: metadata.issuer })).toEqual({
      kind: "misconfigured",
      reason:
        "the issuer does not list client_secret_basic in token_endpoint_auth_methods_supported",
    });
    expect(asked).not.toContain("/token");
    const open = { issuer: origin, client_secret: undefined };
    expect(await refresh(open)).toMatchObject({ kind: "granted" });
  });
});

describe("an issuer", () => {
  test.each([
    "https://127.0.0.1",
    "https://10.0.0.1",
    "https://169.254.169.254/latest",
    "https://[fd00:ec2::254]",
  ])("at an address that may not be connected to is not asked: %s", async (issuer) => {
    const result = await newGrant({ allowLoopback: false }).refresh(requestOf({ issuer }));
    expect(result).toMatchObject({
      kind: "misconfigured",
      reason: expect.stringContaining("is on a host that has no address that may be connected to"),
    });
  });

  test("whose name stands for such an address is not asked", async () => {
    const { origin, asked } = await serving(() => ({}));
    const result = await oauthTokenEndpoint({
      clock,
      lookup: async () => [{ address: "127.0.0.1", family: 4 }],
    }).refresh(requestOf({ issuer: origin.replace("http://127.0.0.1", "https://acme.example") }));
    expect(result).toMatchObject({ kind: "misconfigured" });
    expect(asked).toEqual([]);
  });

  test("has to be https, unless on loopback where that is allowed", async () => {
    const reason = "the issuer has to be https";
    const asking = async (issuer: string, allowLoopback: boolean) =>
      newGrant({ allowLoopback }).refresh(requestOf({ issuer }));
    expect(await asking("http://acme.example", true)).toEqual({ kind: "misconfigured", reason });
    expect(await asking("http://127.0.0.1:1", false)).toEqual({ kind: "misconfigured", reason });
    expect(await asking("http://127.0.0.1:1", true)).toMatchObject({ kind: "unavailable" });
  });

  test.each([
    "acme.example",
    "ftp://acme.example",
    "https://u:p@acme.example",
    "https://acme.example?a=b",
    "https://acme.example?",
    "https://acme.example#a",
    "https://{tenant}.acme.example",
    "https://acme.example\\@evil.example",
    "https://acme.example/ a",
  ])("that is not one is turned down when the registration is read: %s", (issuer) => {
    expect(() => registrationOf({ issuer })).toThrow(
      "issuer: expected an http or https URL without user, password, query, fragment and variables",
    );
  });

  test("or a token endpoint is needed; beside a token endpoint it is not asked", async () => {
    expect(() => registrationOf({})).toThrow("token_endpoint: required, or issuer");
    const { origin, asked } = await serving(() => ({}));
    const both = { issuer: origin, token_endpoint: `${origin}/token` };
    expect(await refresh(both)).toMatchObject({ kind: "granted" });
    expect(asked).toEqual(["/token"]);
  });
});

describe("metadata that does not come: unavailable, and no token is sent", () => {
  test.each<[string, Respond, object]>([
    ["503", status(503, { "Retry-After": "7" }), { retryAfterMs: 7_000 }],
    ["429", status(429), {}],
    ["500", status(500), {}],
    ["a connection that breaks", (response) => response.destroy(), {}],
  ])("%s", async (_, respond, expected) => {
    const { origin, asked } = await serving(() => ({ [rootPlace]: respond }));
    expect(await refresh({ issuer: origin })).toMatchObject({
      kind: "unavailable",
      reason: expect.stringContaining("the issuer's metadata could not be read"),
      ...expected,
    });
    expect(asked).not.toContain("/token");
  });

  test("but the one place that fails does not hide the other", async () => {
    const { origin } = await serving((origin) => ({
      [rootPlace]: status(500),
      "/.well-known/openid-configuration": json({
        issuer: origin,
        token_endpoint: `${origin}/token`,
      }),
    }));
    expect(await refresh({ issuer: origin })).toMatchObject({ kind: "granted" });
  });

  test("silence, for as long as discovery may take", async () => {
    const { origin, asked } = await serving(() => ({ [rootPlace]: () => undefined }));
    const result = await newGrant({ discoveryTimeoutMs: 1_000 }).refresh(
      requestOf({ issuer: origin }),
    );
    expect(result).toMatchObject({ kind: "unavailable" });
    expect(asked).not.toContain("/token");
  });

  test("silence, for as long as the grant may take", async () => {
    const { origin } = await serving(() => ({ [rootPlace]: () => undefined }));
    const grant = newGrant({ discoveryTimeoutMs: 60_000 });
    expect(await grant.refresh(requestOf({ issuer: origin }, { timeoutMs: 1_000 }))).toEqual({
      kind: "unavailable",
      reason: "the issuer's metadata could not be read: no response in time",
      retryAfterMs: undefined,
    });
  });
});

describe("metadata is kept", () => {
  const hourMs = 60 * 60_000;
  const looks = (asked: readonly string[]) => asked.filter((path) => path === rootPlace).length;
  async function kept() {
    const clock = manualClock();
    const respondsWith: { current: Respond } = { current: () => undefined };
    const server = await serving(() => ({
      [rootPlace]: (response, request) => respondsWith.current(response, request),
    }));
    respondsWith.current = json(server.metadata);
    const grant = newGrant({ clock });
    const again = () => grant.refresh(requestOf({ issuer: server.origin }));
    return { ...server, clock, respondsWith, again };
  }

  test("and looked for once by a hundred at once, and once more after an hour", async () => {
    const { asked, clock, again } = await kept();
    const results = await Promise.all(Array.from({ length: 100 }, again));
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["granted"]));
    clock.advance(hourMs - 1);
    await again();
    expect(looks(asked)).toBe(1);
    clock.advance(1);
    await again();
    expect(looks(asked)).toBe(2);
  });

  test("for a day longer while the issuer does not respond, and no longer than that", async () => {
    const { clock, respondsWith, again } = await kept();
    await again();
    respondsWith.current = status(503);
    clock.advance(hourMs);
    expect(await again()).toMatchObject({ kind: "granted" });
    clock.advance(24 * hourMs);
    expect(await again()).toMatchObject({ kind: "unavailable" });
  });

  test("no longer when the issuer has taken it away", async () => {
    const { clock, respondsWith, again } = await kept();
    await again();
    respondsWith.current = status(404);
    clock.advance(hourMs);
    expect(await again()).toMatchObject({ kind: "misconfigured" });
  });

  test("not at all where it could not be used: what is mended counts at once", async () => {
    const { respondsWith, again, metadata } = await kept();
    respondsWith.current = status(404);
    expect(await again()).toMatchObject({ kind: "misconfigured" });
    respondsWith.current = json(metadata);
    expect(await again()).toMatchObject({ kind: "granted" });
  });
});

test("a client with a certificate goes to the endpoint for such clients, RFC 8705 §5", async () => {
  const endTrust = trustLocalhost();
  closing.push(async () => endTrust());
  const server = await startVerifyingServer({
    clients: [
      {
        client_id: "client",
        token_endpoint_auth_method: "tls_client_auth",
        tls_client_auth_subject_dn: "CN=acme",
      },
    ],
  });
  closing.push(server.close);
  const { origin } = await serving((origin) => ({
    [rootPlace]: json({
      issuer: origin,
      token_endpoint: `${origin}/not-here`,
      mtls_endpoint_aliases: { token_endpoint: server.tokenEndpoint },
    }),
  }));
  const result = await newGrant({ clock: { nowMs: Date.now } }).refresh(
    requestOf(
      {
        issuer: origin,
        token_endpoint_auth_method: "tls_client_auth",
        tls_client_certificate: acmeCertificate.certificate,
        tls_client_private_key: acmeCertificate.privateKey,
      },
      { refreshToken: new Secret(await server.mintRefreshToken("client")) },
    ),
  );
  expect(result).toMatchObject({ kind: "granted" });
});
