import { parseClientRegistration } from "../../../functions/adapters/client-registration/client-registration.ts";
import { assertParametersHaveValues } from "../../../functions/adapters/token-endpoint/request/provider-request.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import { type Replay, replaySecret } from "../../support/provider-replay.ts";

const endpoint = "https://provider.example/token";
const tokens = { access_token: "at-2", refresh_token: "rt-2", token_type: "Bearer" };

/** One exchange with a provider that differs from RFC 6749 in these fields, as a secret states them. */
const exchange = (
  fields: Readonly<Record<string, unknown>>,
  { body = tokens, ...others }: Partial<Replay> = {},
) => replaySecret({ token_endpoint: endpoint, ...fields }, { body, ...others });

const form = { grant_type: "refresh_token", refresh_token: "rt-1" };
const posted = { ...form, client_id: "client", client_secret: "secret" };
const post = { token_endpoint_auth_method: "client_secret_post" };
const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString("base64")}`;

describe("where the request goes", () => {
  test("refresh_endpoint: elsewhere than codes", async () => {
    const { request } = await exchange({ refresh_endpoint: "https://provider.example/refresh" });
    expect(request.endpoint).toBe("https://provider.example/refresh");
  });

  test("variables: from the connection, else the registration, else the default", async () => {
    const fields = {
      token_endpoint: "https://{sub}.provider.{top}/{version}/token",
      variables: {
        sub: { pattern: "^[a-z]+$", example: "acme" },
        top: { choices: ["com", "co.uk"] },
        version: { choices: ["v1", "v2"], default: "v2" },
      },
      config: { sub: "own", top: "com" },
    };
    const ofConnection = await exchange(fields, { config: { sub: "theirs", top: "co.uk" } });
    expect(ofConnection.request.endpoint).toBe("https://theirs.provider.co.uk/v2/token");
    const ofRegistration = await exchange(fields);
    expect(ofRegistration.request.endpoint).toBe("https://own.provider.com/v2/token");
  });

  const hosted = {
    token_endpoint: "https://{host}/oauth/token",
    variables: {
      host: { pattern: "^[a-z.]+$", example: "git.example.com", setBy: "integration" },
    },
  };

  test("a variable of the integration may be a whole host", async () => {
    const { variables } = hosted;
    const { setBy: set_by, ...host } = variables.host;
    const fields = { ...hosted, variables: { host: { ...host, set_by } } };
    const config = { host: "evil.example" };
    const { request } = await exchange({ ...fields, config: { host: "git.acme.org" } }, { config });
    expect(request.endpoint).toBe("https://git.acme.org/oauth/token");
    await expect(exchange(fields, { config })).rejects.toThrow(
      "has a variable that the registration's config does not fill: host",
    );
  });

  test.each([
    ["another choice", { choices: ["com", "eu"] }, "net"],
    ["another pattern", { pattern: "^[a-z]{2}$", example: "eu" }, "acme"],
  ])("%s is refused, and not shown", async (_, variable, value) => {
    const fields = {
      token_endpoint: "https://{region}.provider.example/token",
      variables: { region: variable },
    };
    const refused = exchange(fields, { config: { region: value } });
    await expect(refused).rejects.toThrow("has a variable whose value does not fit it: region");
    await expect(refused).rejects.not.toThrow(value);
  });
});

describe("what is sent", () => {
  test("method GET: everything is in the query", async () => {
    const { request } = await exchange({ method: "GET", ...post });
    expect(request).toMatchObject({ method: "GET", query: posted, endpoint });
    expect(request.headers["content-type"]).toBeUndefined();
  });

  test("parameters_in query: a POST without a body, beside what the endpoint's query has", async () => {
    const token_endpoint = `${endpoint}?v=1`;
    const { request } = await exchange({ token_endpoint, parameters_in: "query", ...post });
    expect(request).toMatchObject({ method: "POST", query: { ...posted, v: "1" } });
    expect(request.headers["content-length"]).toBe("0");
  });

  test("parameters_in json: with numbers and booleans as such", async () => {
    const parameters = { short_lived: false, expires_in: 60 };
    const { request } = await exchange({ parameters_in: "json", parameters, ...post });
    expect(request.headers["content-type"]).toBe("application/json");
    expect(request.parameters).toEqual({ ...posted, ...parameters });
  });

  test("parameters: added, replaced, left out", async () => {
    const parameters = { grant_type: null, type: "refresh", client_id: "other", expires_in: 60 };
    const { request } = await exchange({ parameters, ...post });
    expect(request.parameters).toEqual({
      ...{ type: "refresh", refresh_token: "rt-1", client_id: "other" },
      ...{ client_secret: "secret", expires_in: "60" },
    });
  });

  test.each(["redirect_uri", "scope", "resource", "audience", "tenant"])(
    "parameters from %s: the connection's, else the registration's, else none",
    async (name) => {
      const parameters = { p: { from: name } };
      const sent = async (secret: object, config: Record<string, string>) =>
        (await exchange({ parameters, ...secret }, { config })).request.parameters.p;
      expect(await sent({ [name]: "registration" }, { [name]: "connection" })).toBe("connection");
      expect(await sent({ [name]: "registration" }, {})).toBe("registration");
      expect(await sent({ config: { [name]: "config" }, [name]: "member" }, {})).toBe("config");
      expect(await sent({}, {})).toBeUndefined();
    },
  );

  test("a parameter that is required and that nobody states: nothing is sent", async () => {
    const parameters = { redirect_uri: { from: "redirect_uri", required: true } };
    await expect(exchange({ parameters })).rejects.toThrow(
      "the parameter redirect_uri needs a value",
    );
  });

  test("a parameter that is required and that nobody states is told before anything is sent", () => {
    const parameters = { redirect_uri: { from: "redirect_uri", required: true } };
    const secret = { token_endpoint: endpoint, client_id: "c", client_secret: "s", parameters };
    const name = "integrations/acme" as RegistrationName;
    const registration = parseClientRegistration(name, "1", JSON.stringify(secret));
    expect(() => assertParametersHaveValues(registration, {})).toThrow("redirect_uri");
    const config = { redirect_uri: "https://app.example" };
    expect(() => assertParametersHaveValues(registration, config)).not.toThrow();
  });

  test("a parameter that is required and stated is sent", async () => {
    const parameters = { redirect_uri: { from: "redirect_uri", required: true } };
    const { request } = await exchange({ parameters, redirect_uri: "https://app.example" });
    expect(request.parameters.redirect_uri).toBe("https://app.example");
  });

  test("a parameter that nobody states leaves what stands under its name", async () => {
    const { request } = await exchange({ parameters: { client_id: { from: "tenant" } }, ...post });
    expect(request.parameters).toEqual(posted);
  });

  test("what a registration states without a parameter that asks for it is not sent", async () => {
    const { request } = await exchange({ scope: "a b", audience: "https://api.example" });
    expect(request.parameters).toEqual(form);
  });

  test("headers: added, replaced", async () => {
    const headers = { "User-Agent": "acme/1.0", "X-Version": "2026-01-01", Accept: "text/json" };
    const { request } = await exchange({ headers });
    expect(request.headers).toMatchObject({
      "user-agent": "acme/1.0",
      "x-version": "2026-01-01",
      accept: "text/json",
    });
  });

  test("client_id_parameter, client_secret_parameter, token_parameter: other names", async () => {
    const { request } = await exchange({
      ...{ client_id_parameter: "client_key", client_secret_parameter: "key", ...post },
      ...{ token_parameter: "token" },
    });
    expect(request.parameters).toEqual({
      ...{ grant_type: "refresh_token", token: "rt-1", client_key: "client", key: "secret" },
    });
  });

  test("renews_with access_token, and another grant_type", async () => {
    const { request, tokens: granted } = await exchange(
      {
        ...{ renews_with: "access_token", grant_type: "exchange", token_parameter: "access_token" },
        ...{ token_endpoint_auth_method: "none", client_secret: undefined },
        parameters: { client_id: null },
      },
      { body: { access_token: "at-2", token_type: "bearer", expires_in: 5_184_000 } },
    );
    expect(request.parameters).toEqual({ grant_type: "exchange", access_token: "at-1" });
    expect(granted).toMatchObject({
      accessToken: "at-2",
      expiresInSeconds: 5_184_000,
      refreshTokenExpiresInSeconds: 5_184_000,
    });
  });

  test.each([
    ["form", "c%2F1:s%2B1"],
    ["raw", "c/1:s+1"],
  ])("basic_credentials %s", async (basic_credentials, credentials) => {
    const { request } = await exchange({
      ...{ client_id: "c/1", client_secret: "s+1", basic_credentials },
    });
    expect(request.headers.authorization).toBe(basic(credentials));
  });
});

describe("where the tokens are", () => {
  const nested = { data: { inner: { ...tokens, expires_in: 60, id: 7 }, other: 1 }, ok: true };

  test("tokens_at: nested, what stands around them is kept", async () => {
    const { tokens: granted } = await exchange({ tokens_at: "data.inner" }, { body: nested });
    expect(granted).toEqual({
      ...{ accessToken: "at-2", refreshToken: "rt-2", scope: undefined, notes: [] },
      ...{ expiresInSeconds: 60, refreshTokenExpiresInSeconds: undefined },
      refreshTokenAbsoluteExpiresInSeconds: undefined,
      extra: { data: { inner: { id: 7 }, other: 1 }, ok: true },
    });
  });

  test("tokens_at: in an array, which stays one", async () => {
    const body = { sets: [{ access_token: "other" }, { ...tokens, id: 7 }] };
    const { tokens: granted } = await exchange({ tokens_at: "sets.1" }, { body });
    expect(granted).toMatchObject({ accessToken: "at-2", refreshToken: "rt-2" });
    expect(granted?.extra).toEqual({ sets: [{ access_token: "other" }, { id: 7 }] });
  });

  test("tokens_at: the other set at the top is kept whole, its lifetime as an instant", async () => {
    const { tokens: granted } = await exchange(
      { tokens_at: "user" },
      { body: { ...tokens, expires_in: 60, scope: "b", user: { access_token: "at-user" } } },
    );
    expect(granted).toMatchObject({ accessToken: "at-user", refreshToken: undefined });
    expect(granted?.expiresInSeconds).toBeUndefined();
    expect(granted?.extra).toEqual({
      user: {},
      other_tokens: { ...tokens, scope: "b", expires_at: "2026-01-01T12:01:00.000Z" },
    });
  });

  test.each<[string, object, object]>([
    ["an access token alone", { access_token: "at-1" }, { access_token: "at-1" }],
    ["a refresh token alone", { refresh_token: "rt-1" }, { refresh_token: "rt-1" }],
    ["nothing", {}, {}],
  ])("tokens_at: of %s at the top", async (_set, top, others) => {
    const { tokens: granted } = await exchange(
      { tokens_at: "user", access_token_member: "token" },
      { body: { ...top, user: { token: "at-2", refresh_token: "rt-2" } } },
    );
    expect(granted).toMatchObject({ accessToken: "at-2", refreshToken: "rt-2" });
    const { user, other_tokens = {} } = granted?.extra ?? {};
    expect(user).toEqual({});
    expect(other_tokens).toEqual(others);
  });

  test("tokens_at: the refresh token may stand outside", async () => {
    const { refresh_token, ...access } = tokens;
    const body = { refresh_token, data: access };
    const { tokens: granted } = await exchange({ tokens_at: "data" }, { body });
    expect(granted).toMatchObject({ accessToken: "at-2", refreshToken: "rt-2" });
    expect(granted?.extra).toEqual({ data: {} });
  });

  test.each([{ tokens_at: "data" }, { access_token_member: "token", refresh_token_member: "rt" }])(
    "%j: at the RFC's place they are taken all the same",
    async (fields) => {
      const { tokens: granted } = await exchange(fields);
      expect(granted).toMatchObject({ accessToken: "at-2", refreshToken: "rt-2", extra: {} });
    },
  );

  test("access_token_member, refresh_token_member: other names", async () => {
    const { tokens: granted } = await exchange(
      { access_token_member: "token", refresh_token_member: "rt" },
      { body: { token: "at-2", rt: "rt-2", token_type: "Bearer" } },
    );
    expect(granted).toMatchObject({ accessToken: "at-2", refreshToken: "rt-2", extra: {} });
  });

  test.each([
    ["scope", "space", "a b", ["a b", []]],
    ["scope", "comma", "a,b, c", ["a b c", []]],
    ["scopes", "space", ["a", "b"], ["a b", []]],
    ["scope", "space", ["a", "b"], ["a b", ["scope is an array"]]],
    ["scopes", "comma", "a,b", ["a b", []]],
  ])("scope_member %s, scope_separator %s: %j", async (member, separator, scope, expected) => {
    const { tokens: granted } = await exchange(
      { scope_member: member, scope_separator: separator },
      { body: { ...tokens, [member]: scope } },
    );
    expect([granted?.scope, granted?.notes]).toEqual(expected);
    expect(granted?.extra).toEqual({});
  });

  test("scope_separator comma: a response without a scope has none", async () => {
    const { tokens: granted } = await exchange({ scope_separator: "comma" });
    expect([granted?.scope, granted?.notes]).toEqual([undefined, []]);
  });

  test("a scope at the RFC's place beside the provider's is not kept twice", async () => {
    const { tokens: granted } = await exchange(
      { scope_member: "scopes" },
      { body: { ...tokens, scopes: "a", scope: "b" } },
    );
    expect([granted?.scope, granted?.extra]).toEqual(["a", {}]);
  });

  test("success_statuses: not odd", async () => {
    const success = { status: 201 };
    expect((await exchange({}, success)).tokens?.notes).toEqual(["the status is 201"]);
    const { tokens: granted } = await exchange({ success_statuses: [200, 201] }, success);
    expect(granted?.notes).toEqual([]);
  });

  test("a scope that is narrower than the stored one is told", async () => {
    const narrowed = async (scope: string | undefined) =>
      (await exchange({}, { scope: "a b", body: { ...tokens, scope } })).tokens?.notes;
    expect(await narrowed("b")).toEqual(["the scope is narrower than before"]);
    expect(await narrowed("b a c")).toEqual([]);
    expect(await narrowed(undefined)).toEqual([]);
    const { tokens: reordered } = await exchange(
      {},
      { scope: "read write", body: { ...tokens, scope: "write read" } },
    );
    expect(reordered?.notes).toEqual([]);
  });
});
