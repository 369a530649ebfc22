import {
  tokenResult,
  tokensInPartialResponse,
} from "../../../../functions/adapters/token-endpoint/response/token-response.ts";
import { jsonHeaders as json, receivedAtMs, resultOf } from "../../../support/token-result.ts";

/** A granted result with its secrets revealed. */
const grantedBy = (...parameters: Parameters<typeof resultOf>) => {
  const result = resultOf(...parameters);
  if (result.kind !== "granted") throw new Error(`${result.kind} rather than granted`);
  const { accessToken, refreshToken, ...rest } = result.tokens;
  return {
    ...rest,
    accessToken: accessToken.reveal(),
    refreshToken: refreshToken?.reveal(),
    notes: result.notes,
  };
};

const minimal = { access_token: "at", token_type: "Bearer" };

describe("granted", () => {
  test("a response by the RFC has no notes", () => {
    const body = {
      ...minimal,
      refresh_token: "rt",
      expires_in: 3600,
      scope: "a b",
      id_token: "header.claims.signature",
      instance_url: "https://acme.example.com",
      team: { id: 1 },
    };
    expect(grantedBy(body)).toEqual({
      accessToken: "at",
      refreshToken: "rt",
      tokenType: "Bearer",
      scope: "a b",
      expiresAtMs: receivedAtMs + 3_600_000,
      refreshTokenExpiresAtMs: undefined,
      extra: { instance_url: "https://acme.example.com", team: { id: 1 } },
      receivedAtMs,
      notes: [],
    });
  });

  test.each([undefined, null, "", " \t\n"])(
    "refresh_token %j is none: the old one stays",
    (value) => {
      expect(resultOf({ ...minimal, refresh_token: value })).toMatchObject({
        tokens: { refreshToken: undefined },
        notes: [],
      });
    },
  );

  test("tokens are taken as they are, spaces and all", () => {
    const tokens = { access_token: " a\nt ", refresh_token: " r\u0000t " };
    expect(grantedBy({ ...minimal, ...tokens })).toMatchObject({
      accessToken: " a\nt ",
      refreshToken: " r\u0000t ",
    });
  });

  const both = { ...minimal, refresh_token: "rt" };
  const text = JSON.stringify(both);

  test.each<[string, Parameters<typeof resultOf>, string[]]>([
    [
      "no token_type",
      [{ access_token: "at", refresh_token: "rt" }],
      ["token_type is missing or not usable"],
    ],
    ["a numeric token_type", [{ ...both, token_type: 1 }], ["token_type is missing or not usable"]],
    ["status 201", [both, 201], ["the status is 201"]],
    ["status 400", [both, 400], ["the status is 400"]],
    ["status 500", [both, 500], ["the status is 500"]],
    ["status 429", [both, 429, json], ["the status is 429"]],
    ["text/html", [both, 200, { "content-type": "text/html" }], ["the content type is not JSON"]],
    ["no content type", [both, 200, {}], ["the content type is not JSON"]],
    ["a byte order mark", [`\uFEFF${text}`], ["a byte order mark stands before the JSON"]],
    [
      "an error beside",
      [{ ...both, error: "invalid_grant" }],
      ["the response has an error beside the tokens"],
    ],
    [
      "an end that is none",
      [{ ...both, expires_in: "soon", refresh_expires_in: "later" }],
      ["expires_in is not usable", "refresh_expires_in is not usable"],
    ],
    ["a null error beside", [{ ...both, error: null }], []],
    ["a charset", [both, 200, { "content-type": "application/json; charset=utf-8" }], []],
    ["a JSON suffix", [both, 200, { "content-type": "application/vnd.acme+json" }], []],
    ["spaces in the type", [both, 200, { "content-type": " application/json ; charset=x" }], []],
    [
      "a type that ends as JSON does",
      [both, 200, { "content-type": "notapplication/json" }],
      ["the content type is not JSON"],
    ],
    [
      "a type that begins as JSON does",
      [both, 200, { "content-type": "application/jsonp;" }],
      ["the content type is not JSON"],
    ],
    ["text before", [`Warning: x\n${text}`], ["the JSON object has other text around it"]],
    ["text after", [`${text}<!-- x -->`], ["the JSON object has other text around it"]],
    ["an array around", [`[${text}]`], ["the JSON object has other text around it"]],
    ["a trailing comma", [text.replace("}", ",}")], ["the JSON object is damaged"]],
  ])("%s is a note, not a reason to lose tokens", (_oddity, parameters, notes) => {
    expect(grantedBy(...parameters)).toMatchObject({
      accessToken: "at",
      refreshToken: "rt",
      notes,
    });
  });

  test.each(["\u1eff", "\uf8ff", "\ufec0"])(
    "%j shares bytes with a byte order mark, and is none",
    (character) => {
      expect(grantedBy(`${character}${text}`).notes).toEqual([
        "the JSON object has other text around it",
      ]);
    },
  );

  const bytesOf = (body: Buffer) =>
    tokenResult({ status: 200, headers: json, body, receivedAtMs }, []);
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");

  const unmarked = utf16.subarray(2);

  test.each([
    ["the little", utf16],
    ["the big", Buffer.from(utf16).swap16()],
    ["the little, without its mark", unmarked],
    ["the big, without its mark", Buffer.from(unmarked).swap16()],
  ])("UTF-16 from %s end", (_end, bytes) => {
    expect(bytesOf(bytes)).toMatchObject({ kind: "granted", notes: [] });
  });

  test.each([[[0xff]], [[0xfe]], [[0x20, 0xfe]], [[0x20, 0xff]], [[0]], [[0x20, 0]]])(
    "bytes %j are half a sign of UTF-16, and no reason to lose tokens",
    (bytes) => {
      const body = Buffer.concat([Buffer.from(bytes), Buffer.from(text)]);
      expect(bytesOf(body)).toMatchObject({ kind: "granted" });
    },
  );

  test("a form, as some send", () => {
    const body = "access_token=a%2Bt&refresh_token=rt&expires_in=28800&scope=&token_type=bearer";
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    expect(grantedBy(body, 200, headers)).toMatchObject({
      accessToken: "a+t",
      refreshToken: "rt",
      tokenType: "bearer",
      scope: undefined,
      expiresAtMs: receivedAtMs + 28_800_000,
      notes: ["the response is form-encoded", "the content type is not JSON"],
    });
  });

  test("a form with white space around it", () => {
    expect(grantedBy(" access_token=at&refresh_token=rt\n")).toMatchObject({
      accessToken: "at",
      refreshToken: "rt",
    });
  });

  test.each(["access_token=at&x=<b>", "<&access_token=at", "access_token=at and more"])(
    "%j only resembles a form",
    (body) => {
      expect(resultOf(body).kind).toBe("unusable");
    },
  );

  test("a member without a name is no token", () => {
    const nameless = { "": "x", access_token: "at", token_type: "Bearer" };
    expect(grantedBy(nameless)).toMatchObject({ accessToken: "at", refreshToken: undefined });
  });

  const front = '{"access_token":"a,t","refresh_token":"rt"';

  test.each<[string, string, object]>([
    ["has text before it", `Warning: x ${front},`, {}],
    ["has a number", `${front},"expires_in":60,"x":`, { expiresAtMs: receivedAtMs + 60_000 }],
    [
      "has a number and a space",
      `${front},"expires_in":60 ,"x":`,
      { expiresAtMs: receivedAtMs + 60_000 },
    ],
    ["has a number that is none", `${front},"x":1.2.3,"y":`, { extra: {} }],
    ["goes on behind what is none", `${front},"x":1.2.3,"y":1,"z":`, { extra: {} }],
  ])("a damaged object that %s", (_oddity, body, expected) => {
    const found = { accessToken: "a,t", refreshToken: "rt", ...expected };
    expect(grantedBy(body)).toMatchObject(found);
  });

  test.each<[unknown, string | undefined, string[]]>([
    ["a b", "a b", []],
    ["a,b", "a,b", []],
    ["", undefined, []],
    [null, undefined, []],
    [["a", "b"], "a b", ["scope is an array"]],
    [[], undefined, ["scope is an array"]],
    [["a", 1], undefined, ["scope is not a string"]],
    [{ a: 1 }, undefined, ["scope is not a string"]],
    ["a".repeat(16_384), "a".repeat(16_384), []],
    ["a".repeat(16_385), undefined, ["scope is too long to keep"]],
  ])("scope %j", (scope, expected, notes) => {
    expect(grantedBy({ ...minimal, scope })).toMatchObject({ scope: expected, notes });
  });

  test("a refresh_token that is no string is noted", () => {
    expect(grantedBy({ ...minimal, refresh_token: 1 })).toMatchObject({
      refreshToken: undefined,
      notes: ["refresh_token is not a string"],
    });
  });

  test("other members are kept up to 64 KiB", () => {
    const profile = "x".repeat(64 * 1024 - '{"profile":""}'.length);
    expect(grantedBy({ ...minimal, profile }).extra).toEqual({ profile });
    expect(grantedBy({ ...minimal, profile: `${profile}x` }).extra).toEqual({});
  });

  test("the name of our own key is not the provider's to fill", () => {
    expect(grantedBy({ ...minimal, dpop_jwk: { kty: "EC" } }).extra).toEqual({});
  });

  test("members that reach for prototypes do nothing", () => {
    const { extra } = grantedBy(
      '{"access_token":"at","token_type":"Bearer","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
    );
    expect(Object.getPrototypeOf(extra)).toBe(Object.prototype);
    expect(Object.hasOwn(extra, "__proto__")).toBe(false);
    expect("admin" in extra).toBe(false);
    expect("admin" in {}).toBe(false);
  });

  test.each([
    ["large", `"${"x".repeat(70_000)}"`],
    ["nested too deep to write", "[".repeat(50_000) + "]".repeat(50_000)],
    ["many", `1,${Array.from({ length: 20_000 }, (_, i) => `"m${i}":1`).join()}`],
  ])("other members that are %s do not keep the tokens from being stored", (_form, member) => {
    const body = `{"access_token":"at","token_type":"Bearer","profile":${member}}`;
    expect(grantedBy(body)).toMatchObject({
      accessToken: "at",
      extra: {},
      notes: ["the other members are too large to keep"],
    });
  });
});

describe("a new refresh token without an access token", () => {
  const rotatedBy = (...parameters: Parameters<typeof resultOf>) => {
    const result = resultOf(...parameters);
    return result.kind === "rotated" ? result.refreshToken.reveal() : result.kind;
  };

  test.each<[string, string | object, number]>([
    ["none", { refresh_token: "new" }, 200],
    ["an empty one", { access_token: "", refresh_token: "new" }, 200],
    ["null", { access_token: null, refresh_token: "new", expires_in: 3600 }, 200],
    ["a number", { access_token: 7, refresh_token: "new" }, 200],
    ["none, status 201", { refresh_token: "new" }, 201],
    ["one that is not whole", '{"refresh_token":"new","access_token":"a', 200],
    ["none, in a form", "refresh_token=new&expires_in=3600", 200],
  ])("is kept: %s", (_, body, status) => {
    expect(rotatedBy(body, status)).toBe("new");
  });

  test("is not taken from an error, nor from a refusal by status", () => {
    expect(rotatedBy({ error: "invalid_grant", refresh_token: "new" }, 200)).toBe("refused");
    expect(rotatedBy({ error: "odd", refresh_token: "new" })).toBe("unusable");
    expect(rotatedBy({ refresh_token: "new" }, 400)).toBe("unusable");
    expect(rotatedBy({ refresh_token: "new" }, 503)).toBe("unavailable");
  });

  test("is none where it is the one that was sent", () => {
    expect(rotatedBy({ refresh_token: "sent" }, 200, json, ["sent"])).toBe("unusable");
  });

  test("says what was expected and what came, and shows nothing of it", () => {
    const result = resultOf({ refresh_token: "canary-new" });
    expect(result).toMatchObject({
      reason: "expected tokens, got a refresh token without an access token",
    });
    expect(JSON.stringify(result)).not.toContain("canary");
  });
});

describe("cut off", () => {
  const cutOff = (text: string) =>
    tokensInPartialResponse(
      { status: 200, headers: json, body: Buffer.from(text), receivedAtMs },
      [],
    );
  const grantedOf = (text: string) => {
    const result = cutOff(text);
    return result?.kind === "granted" ? result : undefined;
  };
  const whole = JSON.stringify({
    ...minimal,
    refresh_token: 'r"\\t',
    expires_in: 3600,
    x: { y: 1 },
  });

  test("a whole object counts, though its connection was cut", () => {
    expect(grantedOf(whole)?.notes).toEqual(["the response was cut off"]);
    expect(grantedOf(`${JSON.stringify(minimal)}\n`)?.tokens.accessToken.reveal()).toBe("at");
  });

  test("wherever it was cut: both tokens whole, or nothing", () => {
    const bothAreWholeAt = whole.indexOf('"expires_in"') - 1;
    for (let length = 0; length < whole.length; length++) {
      const granted = grantedOf(whole.slice(0, length));
      if (length < bothAreWholeAt) {
        expect([length, cutOff(whole.slice(0, length))]).toEqual([length, undefined]);
      } else {
        expect(granted?.tokens.accessToken.reveal()).toBe("at");
        expect(granted?.tokens.refreshToken?.reveal()).toBe('r"\\t');
        expect(granted?.notes).toContain("the response was cut off");
      }
    }
  });

  test("a thousand members are read, and no more", () => {
    const parse = jest.spyOn(JSON, "parse");
    const front = whole.replace('"x":{"y":1}}', "");
    expect(grantedOf(`${front}${'"m":1,'.repeat(50_000)}`)?.tokens.refreshToken).toBeDefined();
    expect(parse.mock.calls.length).toBeLessThan(1_100);
    parse.mockRestore();
  });

  test("a number that may lack its end does not count", () => {
    const cut = whole.slice(0, whole.indexOf("600"));
    expect(grantedOf(cut)?.tokens.expiresAtMs).toBeUndefined();
  });

  test("a refresh token that is whole counts, though the access token is not", () => {
    const result = cutOff('{"refresh_token":"new","access_token":"a');
    if (result?.kind !== "rotated") throw new Error(`${result?.kind} rather than rotated`);
    expect(result.refreshToken.reveal()).toBe("new");
    expect(cutOff('{"refresh_token":"ne')).toBeUndefined();
  });

  test("a form may lack the end of a token, and does not count", () => {
    expect(cutOff("access_token=at&refresh_token=r")).toBeUndefined();
  });

  test("an error in a response that did not end is not reliable", () => {
    expect(cutOff('{"error":"invalid_grant"}')).toBeUndefined();
  });
});
