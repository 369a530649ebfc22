import { SignJWT } from "jose";
import { type Replay, replaySecret } from "../../support/provider-replay.ts";

const tokens = { access_token: "at-2", refresh_token: "rt-2", token_type: "Bearer" };
const nowSeconds = Date.UTC(2026, 0, 1, 12) / 1000;

const exchange = (
  fields: Readonly<Record<string, unknown>>,
  { body = tokens, ...others }: Partial<Replay> = {},
) =>
  replaySecret(
    { token_endpoint: "https://provider.example/token", ...fields },
    { body, ...others },
  );

const jwt = (claims: Readonly<Record<string, unknown>>) =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(Buffer.alloc(32));

/** The new refresh token of a response without an access token. */
async function rotatedTo(fields: Readonly<Record<string, unknown>>, body: object) {
  const { result } = await exchange(fields, { body });
  const token = result.kind === "rotated" ? result.refreshToken.reveal() : undefined;
  return { kind: result.kind, token };
}

test.each<[string, object]>([
  ["at the provider's place", { data: { renewal: "rt-2" } }],
  ["at the provider's place, under the RFC's name", { data: { refresh_token: "rt-2" } }],
  ["at the RFC's", { data: {}, refresh_token: "rt-2" }],
  ["at the RFC's, and nothing at the provider's", { refresh_token: "rt-2" }],
])("a new refresh token without an access token, %s", async (_, body) => {
  const fields = { tokens_at: "data", refresh_token_member: "renewal" };
  expect((await rotatedTo(fields, body)).token).toBe("rt-2");
});

describe("the end of the access token", () => {
  const endOf = async (fields: object, members: object) =>
    (await exchange({ ...fields }, { body: { ...tokens, ...members } })).tokens;

  test.each<[string, unknown]>([
    ["seconds", 90],
    ["seconds", "90"],
    ["milliseconds", 90_000],
    ["milliseconds", "90000"],
    ["epoch_seconds", nowSeconds + 90],
    ["epoch_seconds", String(nowSeconds + 90)],
    ["epoch_milliseconds", (nowSeconds + 90) * 1000],
    ["iso_8601", "2026-01-01T12:01:30Z"],
  ])("as %s: %j", async (as, value) => {
    const granted = await endOf({ access_token_end: { as, member: "ends" } }, { ends: value });
    expect(granted).toMatchObject({ expiresInSeconds: 90, notes: [] });
    expect(granted?.extra).toEqual({});
  });

  test("where a response has another form, the usual one counts", async () => {
    const end = { access_token_end: { as: "iso_8601", member: "ends" } };
    const granted = await endOf(end, { ends: "tomorrow", expires_in: 60 });
    expect(granted?.expiresInSeconds).toBe(60);
  });

  test("as jwt_exp: of the token itself", async () => {
    const access_token = await jwt({ exp: nowSeconds + 90 });
    const granted = await endOf({ access_token_end: { as: "jwt_exp" } }, { access_token });
    expect(granted?.expiresInSeconds).toBe(90);
  });

  test.each(["opaque", "a.b.c", "e30.e30."])("as jwt_exp of %j: not known", async (token) => {
    const end = { access_token_end: { as: "jwt_exp" } };
    expect((await endOf(end, { access_token: token }))?.expiresInSeconds).toBeUndefined();
  });

  test("as fixed: the response does not count", async () => {
    const end = { access_token_end: { as: "fixed" }, access_token_lifetime_seconds: 120 };
    const granted = await endOf(end, { expires_in: 7 });
    expect(granted).toMatchObject({ expiresInSeconds: 120, notes: [] });
  });

  test("as never", async () => {
    const end = { access_token_end: { as: "never" }, access_token_lifetime_seconds: 120 };
    const granted = await endOf(end, { expires_in: 7 });
    expect(granted).toMatchObject({ expiresInSeconds: undefined, notes: [] });
  });

  test("access_token_lifetime_seconds counts where the response states no end", async () => {
    const documented = { access_token_lifetime_seconds: 120 };
    expect((await endOf(documented, {}))?.expiresInSeconds).toBe(120);
    expect((await endOf(documented, { expires_in: 60 }))?.expiresInSeconds).toBe(60);
  });
});

describe("the end of the refresh token", () => {
  const endsOf = async (fields: object, members: object) => {
    const { tokens: granted } = await exchange({ ...fields }, { body: { ...tokens, ...members } });
    return [granted?.refreshTokenExpiresInSeconds, granted?.refreshTokenAbsoluteExpiresInSeconds];
  };
  const idle = { refresh_token_idle_seconds: 100 };
  const absolute = { refresh_token_absolute_seconds: 1000 };

  test.each<[string, object, object, (number | undefined)[]]>([
    ["idle: counted from each response", idle, {}, [100, undefined]],
    ["idle: the response counts first", idle, { refresh_expires_in: 50 }, [50, undefined]],
    ["absolute: never counted from a response", absolute, {}, [undefined, undefined]],
    ["absolute: as the response states it", absolute, { refresh_expires_in: 50 }, [undefined, 50]],
    ["both: the response states the idle one", { ...idle, ...absolute }, {}, [100, undefined]],
    ["neither: as the response states it", {}, { refresh_token_expires_in: 50 }, [50, undefined]],
    [
      "refresh_token_end: under a name of its own",
      { refresh_token_end: { as: "epoch_seconds", member: "rt_ends" } },
      { rt_ends: nowSeconds + 70 },
      [70, undefined],
    ],
  ])("%s", async (_, fields, members, ends) => {
    expect(await endsOf(fields, members)).toEqual(ends);
  });

  test("as jwt_exp: of the new refresh token", async () => {
    const refresh_token = await jwt({ exp: nowSeconds + 500 });
    const end = { refresh_token_end: { as: "jwt_exp" } };
    expect(await endsOf(end, { refresh_token })).toEqual([500, undefined]);
  });
});

describe("what an error means", () => {
  const rule = (conditions: object) => ({ errors: [conditions] });
  const resultOf = async (fields: object, response: Partial<Replay>) =>
    (await exchange({ ...fields }, { status: 400, ...response })).result;

  test.each([
    ["dead", { kind: "refused", providerError: "gone" }],
    ["client_rejected", { kind: "client_rejected", providerError: "gone" }],
    ["rate_limited", { kind: "rate_limited" }],
    ["transient", { kind: "unavailable" }],
  ])("means %s", async (means, expected) => {
    const body = { error: "gone", error_description: "It is gone." };
    expect(await resultOf(rule({ means, error: "gone" }), { body })).toMatchObject(expected);
  });

  test("the first rule that fits counts, before the RFC's meaning", async () => {
    const errors = [
      { means: "transient", error: "invalid_grant", text: "CONCURRENT" },
      { means: "client_rejected", error: "invalid_grant", text_pattern: "^Wrong (App|client)" },
      { means: "dead", text: "concurrent" },
    ];
    const meaning = async (error_description: string) =>
      (await resultOf({ errors }, { body: { error: "invalid_grant", error_description } })).kind;
    expect(await meaning("A concurrent refresh.")).toBe("unavailable");
    expect(await meaning("Wrong app for this token.")).toBe("client_rejected");
    expect(await meaning("Revoked.")).toBe("refused");
  });

  test("every condition of a rule has to hold", async () => {
    const conditions = { means: "dead", status: [403], error: "E1", text: "token" };
    const body = { error: "E1", error_description: "Bad token." };
    const kindOf = async (response: Partial<Replay>) =>
      (await resultOf(rule(conditions), { body, ...response })).kind;
    expect(await kindOf({ status: 403 })).toBe("refused");
    expect(await kindOf({ status: 400 })).toBe("unusable");
    expect(await kindOf({ status: 403, body: { ...body, error: "E2" } })).toBe("unusable");
    expect(await kindOf({ status: 403, body: { error: "E1" } })).toBe("unusable");
  });

  test("a condition that a rule does not state is none", async () => {
    const kindOf = async (conditions: object, body: object) =>
      (await resultOf(rule({ means: "dead", ...conditions }), { body })).kind;
    const whole = { error: "E1", error_description: "Gone." };
    expect(await kindOf({ text: "gone" }, whole)).toBe("refused");
    expect(await kindOf({ error: "E1" }, { error: "E1" })).toBe("refused");
    expect(await kindOf({ text_pattern: "undefined" }, { error: "E1" })).toBe("unusable");
  });

  test("a rule without a status does not fit a server that has failed itself", async () => {
    const body = { error: "gone" };
    const dead = rule({ means: "dead", error: "gone" });
    expect(await resultOf(dead, { status: 500, body })).toMatchObject({
      kind: "unusable",
      serverFailed: true,
    });
    const stated = rule({ means: "dead", error: "gone", status: [500] });
    expect(await resultOf(stated, { status: 500, body })).toMatchObject({ kind: "refused" });
  });

  test.each([
    ["error.code", "error.message", { error: { code: 190, message: "Expired." } }, "190"],
    ["errors.0.type", "errors.0.text", { errors: [{ type: "gone", text: "Expired." }] }, "gone"],
    ["code", "message", { code: "gone", message: "Expired." }, "gone"],
  ])("error_at %s, error_text_at %s", async (error_at, error_text_at, body, code) => {
    const fields = { ...rule({ means: "dead", error: code }), error_at, error_text_at };
    expect(await resultOf(fields, { body })).toMatchObject({
      kind: "refused",
      providerError: code,
      providerErrorDescription: "Expired.",
    });
  });

  test("an error at the RFC's place is understood all the same", async () => {
    const body = { error: "invalid_grant", error_description: "Revoked." };
    expect(await resultOf({ error_at: "code", error_text_at: "message" }, { body })).toMatchObject({
      kind: "refused",
      providerErrorDescription: "Revoked.",
    });
  });

  test("an error at the RFC's place counts beside a code of which no rule tells", async () => {
    const fields = { error_at: "status", error_text_at: "message" };
    const body = { status: "BAD_CLIENT_SECRET", error: "invalid_client", message: "Not known." };
    expect(await resultOf(fields, { status: 400, body })).toMatchObject({
      kind: "client_rejected",
      providerError: "invalid_client",
      providerErrorDescription: "Not known.",
    });
    const ruled = { ...fields, ...rule({ means: "transient", error: "BAD_CLIENT_SECRET" }) };
    expect(await resultOf(ruled, { status: 400, body })).toMatchObject({ kind: "unavailable" });
  });

  test("an error in a form: under the provider's name, and under the RFC's", async () => {
    const fields = { ...rule({ means: "dead", error: "gone" }), error_at: "code" };
    expect((await resultOf(fields, { body: "code=gone" })).kind).toBe("refused");
    expect((await resultOf(fields, { body: "error=invalid_grant" })).kind).toBe("refused");
  });

  test("what is dead without a code is told by its status", async () => {
    const body = { error_description: "The refresh token is invalid." };
    const dead = rule({ means: "dead", text: "refresh token is invalid" });
    expect(await resultOf(dead, { status: 401, body })).toMatchObject({
      kind: "refused",
      providerError: "status 401",
    });
  });

  test.each([
    ["Unknown ID.\n", "refused"],
    ["Unknown\nID.", "unusable"],
    ["[Unknown ID.]", "unusable"],
    [`Unknown ID. ${"x".repeat(200)}`, "unusable"],
    ["", "unusable"],
  ])("a response of one plain sentence: %j", async (body, kind) => {
    const dead = rule({ means: "dead", status: [401], text: "unknown id" });
    expect((await resultOf(dead, { status: 401, body })).kind).toBe(kind);
    const others = rule({ means: "dead", status: [401], text: "gone" });
    expect((await resultOf(others, { status: 401, body })).kind).toBe("unusable");
  });

  test("retry_after_seconds, where the response states no pause", async () => {
    const body = { error: "busy" };
    const busy = rule({ means: "rate_limited", error: "busy", retry_after_seconds: 600 });
    expect(await resultOf(busy, { body })).toEqual({ kind: "rate_limited", retryAfterMs: 600_000 });
    const said = { body, headers: { "retry-after": "7" } };
    expect(await resultOf(busy, said)).toEqual({ kind: "rate_limited", retryAfterMs: 7_000 });
  });

  test("retry_after in the body counts where no header says how long", async () => {
    const limited = (retryAfter: unknown) =>
      resultOf({}, { status: 429, body: { retry_after: retryAfter } });
    expect(await limited(64.57)).toEqual({ kind: "rate_limited", retryAfterMs: 64_570 });
    expect(await limited("9")).toEqual({ kind: "rate_limited", retryAfterMs: 9_000 });
    expect(await limited(1e9)).toEqual({ kind: "rate_limited", retryAfterMs: 3_600_000 });
    expect(await limited(-1e9)).toEqual({ kind: "rate_limited", retryAfterMs: 0 });
    for (const odd of [null, "soon", {}]) {
      expect(await limited(odd)).toEqual({ kind: "rate_limited", retryAfterMs: undefined });
    }
    const both = { status: 429, body: { retry_after: 9 }, headers: { "retry-after": "7" } };
    expect(await resultOf({}, both)).toMatchObject({ retryAfterMs: 7_000 });
  });

  test("rate_limit_concerns says whose requests a limit counts, unless a rule does", async () => {
    const fields = {
      rate_limit_concerns: "integration",
      errors: [{ means: "rate_limited", error: "own", concerns: "connection" }],
    };
    const limited = { kind: "rate_limited", retryAfterMs: undefined };
    expect(await resultOf(fields, { status: 429, body: {} })).toEqual({
      ...limited,
      concerns: "integration",
    });
    expect(await resultOf(fields, { status: 429, body: { error: "own" } })).toEqual({
      ...limited,
      concerns: "connection",
    });
  });

  test.each([
    ["connection", "the provider refuses this connection for now", "connection"],
    ["integration", "the provider is temporarily unavailable", undefined],
  ])("concerns %s, and the provider's words are kept", async (concerns, reason, told) => {
    const body = { error: "invalid_grant", error_description: "ip restricted" };
    const later = rule({ means: "transient", text: "ip restricted", concerns });
    expect(await resultOf(later, { status: 400, body })).toEqual({
      kind: "unavailable",
      reason,
      retryAfterMs: undefined,
      concerns: told,
      providerError: "invalid_grant",
      providerErrorDescription: "ip restricted",
    });
  });

  describe("failure_flag", () => {
    const flagged = { failure_flag: { at: "ok", is: false } };

    test("a refresh token alone is taken, unless the response says that it failed", async () => {
      const body = { refresh_token: "rt-2" };
      expect((await rotatedTo(flagged, { ok: true, ...body })).token).toBe("rt-2");
      expect((await rotatedTo(flagged, { ok: false, ...body })).kind).toBe("unusable");
    });

    test("an error inside a 200 is an error", async () => {
      const fields = { ...flagged, ...rule({ means: "dead", error: "token_revoked" }) };
      const body = { ok: false, error: "token_revoked" };
      expect(await resultOf(fields, { status: 200, body })).toMatchObject({ kind: "refused" });
    });

    test("a failure that says no more", async () => {
      expect(await resultOf(flagged, { status: 200, body: { ok: false } })).toMatchObject({
        kind: "unusable",
        reason: "expected tokens, got a failure without an error, status 200",
      });
    });

    test("tokens beside it are taken, and it is told", async () => {
      const { tokens: granted } = await exchange(flagged, { body: { ...tokens, ok: false } });
      expect(granted?.refreshToken).toBe("rt-2");
      expect(granted?.notes).toEqual(["the response says that it failed"]);
    });

    test("tokens without it are none of a failure", async () => {
      const { tokens: granted } = await exchange(flagged, { body: { ...tokens, ok: true } });
      expect(granted?.notes).toEqual([]);
    });

    test("0 as the code of an error is none", async () => {
      const { result } = await exchange({ error_at: "errcode" }, { body: { errcode: 0 } });
      expect(result).toMatchObject({
        kind: "unusable",
        reason: "expected tokens, got an object without an access_token, status 200",
      });
    });
  });
});

describe("a damaged response", () => {
  const cut = '{"access_token":"at-2","token_type":"Bearer","scope":"a b';

  test.each([{ rotation: "never" }, { renews_with: "access_token" }])(
    "%j: an access token alone is all that can be in it",
    async (fields) => {
      expect((await exchange(fields, { body: cut })).tokens?.accessToken).toBe("at-2");
    },
  );

  test("a refresh token may have stood behind it: not taken", async () => {
    const { result } = await exchange({ rotation: "always" }, { body: cut });
    expect(result.kind).toBe("unusable");
  });

  test("tokens under other names are found, in JSON and in a form", async () => {
    const names = { access_token_member: "token", refresh_token_member: "rt" };
    for (const body of ['{"token":"at-2","rt":"rt-2","junk":', "token=at-2&rt=rt-2"]) {
      expect((await exchange(names, { body })).tokens).toMatchObject({
        accessToken: "at-2",
        refreshToken: "rt-2",
      });
    }
  });
});
