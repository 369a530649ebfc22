import {
  jsonHeaders as json,
  receivedAtMs,
  resultOf as resultOfResponse,
} from "../../../support/token-result.ts";

const resultOf = (
  body: string | object,
  status = 400,
  ...rest: [headers?: Readonly<Record<string, string>>, secrets?: readonly string[]]
) => resultOfResponse(body, status, ...rest);

describe("refused", () => {
  test.each([400, 401, 403, 404, 200, 201])("invalid_grant with status %i", (status) => {
    const body = { error: "invalid_grant", error_description: "Token has been revoked." };
    expect(resultOf(body, status)).toEqual({
      kind: "refused",
      providerError: "invalid_grant",
      providerErrorDescription: "Token has been revoked.",
    });
  });

  test("invalid_grant in a form", () => {
    expect(resultOf("error=invalid_grant&error_description=gone+for+good")).toMatchObject({
      kind: "refused",
      providerErrorDescription: "gone for good",
    });
  });

  test.each<[string, Parameters<typeof resultOf>]>([
    ["a server that failed itself", [{ error: "invalid_grant" }, 500]],
    ["a gateway", [{ error: "invalid_grant" }, 502]],
    ["a redirect", [{ error: "invalid_grant" }, 302]],
    ["the first of the redirects", [{ error: "invalid_grant" }, 300]],
    ["an informational status", [{ error: "invalid_grant" }, 199]],
    ["a page that quotes it", ['<html>{"error":"invalid_grant"}</html>', 400]],
    ["text that mentions it", ["invalid_grant", 400]],
    ["an error of another name", [{ error: "bad_refresh_token" }, 200]],
    ["an error that only resembles it", [{ error: "Invalid_Grant " }, 400]],
    ["an error in an object", [{ error: { code: "invalid_grant" } }, 400]],
    ["another member", [{ code: "invalid_grant", message: "invalid_grant" }, 400]],
    ["a description", [{ error: "server_error", error_description: "invalid_grant" }, 400]],
  ])("not by %s", (_whom, parameters) => {
    expect(resultOf(...parameters).kind).toBe("unusable");
  });

  test("not while the provider asks to wait", () => {
    expect(resultOf({ error: "invalid_grant" }, 429).kind).toBe("rate_limited");
    expect(resultOf({ error: "invalid_grant" }, 503).kind).toBe("unavailable");
  });
});

describe("client rejected", () => {
  test.each(["invalid_client", "unauthorized_client"])("%s", (error) => {
    for (const status of [400, 401, 403, 200]) {
      expect(resultOf({ error }, status)).toEqual({
        kind: "client_rejected",
        providerError: error,
        providerErrorDescription: undefined,
      });
    }
  });

  const challenged = { ...json, "www-authenticate": 'Basic realm="token"' };

  test("401 with a Basic challenge and no word besides", () => {
    expect(resultOf("<html>", 401, challenged)).toMatchObject({
      kind: "client_rejected",
      providerError: "invalid_client",
    });
  });

  test("401 with a Basic challenge among others", () => {
    const among = { "www-authenticate": 'Bearer realm="api", Basic realm="token"' };
    expect(resultOf("", 401, among).kind).toBe("client_rejected");
  });

  test("a Basic challenge with another status says nothing of the client", () => {
    expect(resultOf("", 403, challenged).kind).toBe("unusable");
  });

  test("the body's word counts for more than a challenge", () => {
    expect(resultOf({ error: "invalid_grant" }, 401, challenged).kind).toBe("refused");
    expect(resultOf({ error: "invalid_request" }, 401, challenged).kind).toBe("unusable");
  });

  test("401 without a challenge says nothing of the client", () => {
    expect(resultOf({ message: "Unauthorized" }, 401).kind).toBe("unusable");
    expect(resultOf("", 401, { "www-authenticate": "Bearer" }).kind).toBe("unusable");
  });
});

describe("asked to wait", () => {
  const minuteLater = new Date(receivedAtMs + 60_000).toUTCString();

  test.each<[string, Record<string, string>, number | undefined]>([
    ["no header", {}, undefined],
    ["seconds", { "retry-after": "7" }, 7_000],
    ["seconds with spaces around", { "retry-after": " 7 " }, 7_000],
    ["zero", { "retry-after": "0" }, 0],
    ["a date", { "retry-after": minuteLater }, 60_000],
    [
      "a date of a clock that is a minute ahead",
      { "retry-after": minuteLater, date: minuteLater },
      0,
    ],
    ["a date that is past", { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
    ["a date as asctime has it", { "retry-after": "Thu Jan  1 00:01:00 2026" }, 60_000],
    ["a date as RFC 850 has it", { "retry-after": "Thursday, 01-Jan-26 00:01:00 GMT" }, 60_000],
    ["a date behind words", { "retry-after": `not before ${minuteLater}` }, undefined],
    ["an hour and more", { "retry-after": "3601" }, 3_600_000],
    ["an absurd time", { "retry-after": "99999999999999999999" }, 3_600_000],
    ["a negative time", { "retry-after": "-5" }, undefined],
    ["a fraction", { "retry-after": "1.5" }, undefined],
    ["words", { "retry-after": "soon" }, undefined],
  ])("Retry-After: %s", (_form, headers, retryAfterMs) => {
    expect(resultOf("", 429, headers)).toEqual({ kind: "rate_limited", retryAfterMs });
    const reason = "the provider is temporarily unavailable";
    expect(resultOf("", 503, headers)).toEqual({ kind: "unavailable", reason, retryAfterMs });
  });

  test("slow_down and temporarily_unavailable, whatever the status", () => {
    expect(resultOf({ error: "slow_down" }).kind).toBe("rate_limited");
    expect(resultOf({ error: "temporarily_unavailable" }).kind).toBe("unavailable");
  });
});

describe("unusable", () => {
  test.each<[string, Parameters<typeof resultOf>, string]>([
    [
      "a page",
      ["<html>".padEnd(5120), 200, { "content-type": "text/html" }],
      "text/html, 5120 bytes, status 200",
    ],
    [
      "a page",
      ["<html>", 500, { "content-type": "Text/HTML; charset=x" }],
      "text/html, 6 bytes, status 500",
    ],
    [
      "a foreign type",
      ["x", 200, { "content-type": "secret/canary" }],
      "content of another media type, 1 bytes, status 200",
    ],
    ["nothing", ["", 200], "an empty body, status 200"],
    ["nothing", ["", 204], "an empty body, status 204"],
    ["nothing", ["", 400], "an empty body, status 400"],
    [
      "a type with a space behind it",
      ["x", 200, { "content-type": "text/plain ;charset=x" }],
      "text/plain, 1 bytes, status 200",
    ],
    ["no type", ["x", 200, {}], "content of another media type, 1 bytes, status 200"],
    ["many to choose from", ["moved", 300], "a redirect, status 300"],
    ["a redirect", ["moved", 302, {}], "a redirect, status 302"],
    [
      "a redirect with a user, a query and a fragment",
      ["", 307, { location: "https://me:pw@evil.example:8443/a/b?token=x#y" }],
      "a redirect to https://evil.example:8443/a/b, status 307",
    ],
    [
      "a relative redirect",
      ["", 308, { location: "../login?x=y" }],
      "a redirect to /login, status 308",
    ],
    [
      "a redirect whose path echoes a secret",
      ["", 302, { location: "https://evil.example/t/hunter2/u" }, ["hunter2"]],
      "a redirect to https://evil.example/t/[redacted]/u, status 302",
    ],
    ["a redirect to no address", ["", 302, { location: "https://" }], "a redirect, status 302"],
    ["another scheme", ["", 302, { location: "javascript:x" }], "a redirect, status 302"],
    ["an array", ["[1]", 200], "application/json, 3 bytes, status 200"],
    ["a string", ['"x"', 200], "application/json, 3 bytes, status 200"],
    ["a form of another kind", ["a=b", 200], "application/json, 3 bytes, status 200"],
    ["null", ["null", 200], "application/json, 4 bytes, status 200"],
    ["no tokens", [{ ok: true }, 200], "an object without an access_token, status 200"],
    [
      "an empty token",
      [{ access_token: " " }, 200],
      "an object without an access_token, status 200",
    ],
    [
      "a numeric token",
      [{ access_token: 1 }, 200],
      "an object without an access_token, status 200",
    ],
    [
      "an error that says nothing",
      [{ error: " ", error_description: "no" }, 400],
      "an object without an access_token, status 400",
    ],
    ["an unknown error", [{ error: "server_error" }, 500], "an unknown error, status 500"],
  ])("%s: says what was expected and what kind of thing came", (_what, parameters, came) => {
    expect(resultOf(...parameters)).toMatchObject({
      kind: "unusable",
      reason: `expected tokens, got ${came}`,
      serverFailed: came.endsWith("500"),
    });
  });

  test.each([
    ["gzip, gzip", "application/json, 1 bytes"],
    ["gzip, gzip, gzip", "application/json in more than 2 content codings, 1 bytes"],
  ])("a body in the codings %s", (codings, came) => {
    const reason = `expected tokens, got ${came}, status 200`;
    const headers = { "content-type": "application/json", "content-encoding": codings };
    expect(resultOf("x", 200, headers)).toMatchObject({ reason });
  });

  test.each([
    ...["application/json", "application/problem+json", "application/x-www-form-urlencoded"],
    ...["application/xml", "text/html", "text/plain", "text/xml"],
  ])("%s is named", (mediaType) => {
    const reason = `expected tokens, got ${mediaType}, 1 bytes, status 200`;
    expect(resultOf("x", 200, { "content-type": mediaType })).toMatchObject({ reason });
  });

  test.each<[string, string | object, number]>([
    ["a gateway's 502", "<html></html>", 502],
    ["a gateway's 504", "", 504],
    ["a success without tokens where they were expected", { result: { token: "t" } }, 200],
    ["a success that is not JSON", "<html></html>", 200],
    ["an empty success", "", 204],
  ])("%s may have rotated the refresh token", (_name, body, status) => {
    expect(resultOf(body, status)).toMatchObject({ kind: "unusable", mayHaveRotated: true });
  });

  test.each<[string, string | object, number]>([
    ["the provider's own 500", "<html></html>", 500],
    ["a redirect", "", 302],
    ["a redirect without a place", "", 300],
    ["an informational status", "", 199],
    ["an error that comes with 200", { error: "invalid_scope" }, 200],
    ["a request that was wrong", { ok: false }, 400],
  ])("%s has rotated nothing", (_name, body, status) => {
    expect(resultOf(body, status)).not.toHaveProperty("mayHaveRotated");
  });

  test("without an error nothing is said of one", () => {
    expect(resultOf({ ok: true })).toEqual({
      kind: "unusable",
      reason: "expected tokens, got an object without an access_token, status 400",
      serverFailed: false,
    });
  });

  test.each([502, 504, 524])("%s from a gateway: the provider may have rotated", (status) => {
    expect(resultOf("<html>", status)).toMatchObject({ serverFailed: true, mayHaveRotated: true });
    expect(resultOf("<html>", status - 1)).not.toHaveProperty("mayHaveRotated");
  });

  test("the provider's error is kept beside", () => {
    expect(resultOf({ error: "invalid_scope", error_description: "no" })).toMatchObject({
      kind: "unusable",
      providerError: "invalid_scope",
      providerErrorDescription: "no",
    });
  });
});

describe("the provider's words", () => {
  const described = (error_description: unknown, secrets: string[] = []) => {
    const result = resultOf({ error: "invalid_grant", error_description }, 400, json, secrets);
    return result.kind === "refused" ? result.providerErrorDescription : result.kind;
  };

  test.each([
    ["is cut to 200 characters", "a".repeat(300), `${"a".repeat(199)}…`],
    ["is whole with 200", "a".repeat(200), "a".repeat(200)],
    ["is dropped when nothing of it prints", "\u0000\u0007", undefined],
    ["is cut between characters", "😀".repeat(300), `${"😀".repeat(199)}…`],
    ["loses control characters", "a\u0000b\u001b[31mc\u202ed", "ab[31mcd"],
    ["is one line", " a\r\n b\tc ", "a b c"],
    ["is dropped when empty", " \n ", undefined],
    ["is dropped when no string", { a: 1 }, undefined],
    [
      "keeps its words",
      "AADSTS70008: The refresh token has expired.",
      "AADSTS70008: The refresh token has expired.",
    ],
  ])("the description %s", (_what, description, expected) => {
    expect(described(description)).toBe(expected);
  });

  test.each(["hunter2", "a+b/c="])("the secret %j is cut out of it", (secret) => {
    for (const form of [secret, encodeURIComponent(secret), secret.split("").join("\u0000")]) {
      expect(described(`got ${form}, sorry`, [secret])).toBe("got [redacted], sorry");
    }
  });

  test("an empty secret is nowhere in it", () => {
    expect(described("bad", [""])).toBe("bad");
  });

  test("a secret across the cut is cut out first", () => {
    expect(described(`${"a ".repeat(97)}hunter2`, ["hunter2"])).not.toContain("hunt");
  });

  test.each([
    ["its beginning", "correct-horse…"],
    ["its end", "…rse-battery+staple"],
    ["both", "correct-…y+staple"],
    ["its beginning, percent-encoded", encodeURIComponent("correct-horse-battery+").slice(0, -2)],
    ["its end, percent-encoded", "battery%2Bstaple"],
    ["all, in base64", Buffer.from("correct-horse-battery+staple").toString("base64")],
    [
      "its beginning, in base64",
      Buffer.from("correct-horse-battery+staple").toString("base64").slice(0, 9),
    ],
    [
      "its end, in base64url",
      Buffer.from("correct-horse-battery+staple").toString("base64url").slice(-9),
    ],
  ])("%s of a secret is cut out", (_part, echo) => {
    const text = described(`got ${echo}, sorry`, ["correct-horse-battery+staple"]) ?? "";
    expect(text.replaceAll("[redacted]", "").replace(/[^a-z]/gi, "")).toBe("gotsorry");
  });

  test("seven characters of a secret may be a word", () => {
    expect(described("a correct request", ["correct-horse"])).toBe("a correct request");
  });

  test.each([
    "jane.doe+x@mail.example.com",
    "jane@example.com",
    "jane%40example.com",
    "jörg@bücher.example",
  ])("the e-mail address %s is cut out", (address) => {
    expect(described(`account ${address} is locked.`)).toBe("account [redacted] is locked.");
  });

  test("what looks like a token is masked", () => {
    const token = "1//0gXyZ3kQv8mPqR7sT2uV5wX9yZ1aB4cD6eF8";
    expect(described(`bad token ${token}`)).toBe("bad token [redacted]");
  });

  test.each([
    ["too long", "a".repeat(65)],
    ["a quote", 'a"b'],
    ["a backslash", "a\\b"],
    ["a line break", "a\nb"],
    ["not ASCII", "é"],
    ["a secret", "hunter2"],
    ["a token", "gXyZ3kQv8mPqR7sT2uV5wX9yZ1aB4cD6eF8"],
  ])("an error code that is %s is replaced", (_what, error) => {
    expect(resultOf({ error }, 400, json, ["hunter2"])).toMatchObject({
      kind: "unusable",
      providerError: "unreadable_error",
    });
  });
});
