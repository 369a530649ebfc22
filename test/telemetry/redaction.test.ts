import { maskText } from "../../functions/domain/model/masked-text.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import { redact } from "../../functions/telemetry/redaction.ts";

const canary = "cAnArY7f3a9b2c1d4e5f60718293a4b5c6";
const printed = (members: Record<string, unknown>): string => JSON.stringify(redact(members));

describe("members named like secrets", () => {
  it.each([
    "access_token",
    "refreshToken",
    "id_token",
    "token",
    "tokens",
    "client_secret",
    "Secret",
    "SecretString",
    "Authorization",
    "authorizationToken",
    "X-Api-Key",
    "apikey",
    "password",
    "passphrase",
    "Set-Cookie",
    "client_assertion",
    "code_verifier",
    "private_key",
    "jwk",
    "Plaintext",
    "body",
  ])("%s is redacted, whatever it holds and however deep", (name) => {
    expect(redact({ [name]: "short" })).toEqual({ [name]: "[redacted]" });
    expect(redact({ a: [{ b: { [name]: { c: canary } } }] })).toEqual({
      a: [{ b: { [name]: "[redacted]" } }],
    });
  });

  it.each(["refresh_token_expires_at", "token_type", "token_endpoint", "connection_id", "failure"])(
    "%s is not one of them",
    (name) => {
      expect(redact({ [name]: "value" })).toEqual({ [name]: "value" });
    },
  );
});

describe("values", () => {
  it("a Secret prints as redacted", () => {
    expect(redact({ value: new Secret(canary), list: [new Secret(canary)] })).toEqual({
      value: "[redacted]",
      list: ["[redacted]"],
    });
  });

  it("a sealed token set passes under its own name; anything else under that name does not", () => {
    const sealed = "eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn";
    expect(redact({ credentials: sealed })).toEqual({ credentials: sealed });
    const packed = Buffer.from(`\x02\0\x0d{"alg":"dir"}ciphertext`).toString("base64url");
    expect(redact({ credentials: packed })).toEqual({ credentials: packed });
    expect(redact({ credentials: `Ag${canary}` })).toEqual({ credentials: "[redacted]" });
    expect(redact({ credentials: canary })).toEqual({ credentials: "[redacted]" });
    expect(redact({ credentials: { access_token: canary } })).toEqual({
      credentials: { access_token: "[redacted]" },
    });
    expect(printed({ note: sealed })).not.toContain("Y2lwaGVydGV4dA");
  });

  it("identifiers stay readable", () => {
    const members = {
      connection_id: `conn_${"a1b2c3d4".repeat(8)}`,
      workspace_id: "wsp_0123456789abcdef0123456789abcdef",
      request_id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
      principal_id: "jwt:auth0|5f7c8ec7c33c6c004bbafe82",
      committed_at: "2025-10-19T12:00:00.000Z",
    };
    expect(redact(members)).toEqual(members);
  });

  it("binary, cyclic, deep and unprintable values are bounded", () => {
    const cyclic: Record<string, unknown> = { at: new Date(0), big: 1n, call: () => canary };
    cyclic.self = cyclic;
    cyclic.bytes = Buffer.from(canary);
    cyclic.map = new Map([["client_secret", canary]]);
    expect(redact({ cyclic })).toEqual({
      cyclic: {
        at: "1970-01-01T00:00:00.000Z",
        big: "1",
        call: "[function]",
        self: "[seen above]",
        bytes: "[binary]",
        map: { client_secret: "[redacted]" },
      },
    });
    let deep: unknown = canary;
    for (let depth = 0; depth < 50; depth++) deep = { deep };
    expect(printed({ deep })).toContain("[too deep]");
  });
});

describe("free text", () => {
  it.each([
    [`Authorization: Bearer ${canary}`],
    ["Bearer abc"],
    [`{"access_token":"${canary}"}`],
    [`{"refresh_token": "abc-def"}`],
    ["refresh_token=abc-def&client_secret=ghi"],
    [`the token ${canary} was refused`],
    ["eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."],
    ["otr_abc"],
    [`https://user:${canary}@host.example/path`],
    ["https://host.example/token?code=abc#fragment-abc"],
    ["0123456789abcdef0123456789abcdef"],
  ])("%s is masked", (text) => {
    expect(maskText(text)).toContain("[redacted]");
    expect(maskText(text)).not.toMatch(/abc|ghi|cAnArY|eyJ/);
  });

  it.each([
    "getaddrinfo ENOTFOUND dynamodb.eu-west-1.amazonaws.com",
    "not authorized to perform kms:Decrypt on arn:aws:kms:eu-west-1:123456789012:key/0f3b1c2d-1111-4222-8333-444455556666",
    "A valid bearer credential is required.",
    "Cannot find module '/var/task/node_modules/@aws-sdk/client-dynamodb'",
    "request c6af9ac6-7b61-11e6-9a41-93e8deadbeef timed out after 2000 ms",
  ])("%s stays as it is", (text) => {
    expect(maskText(text)).toBe(text);
  });
});

describe("errors", () => {
  it("keep name, masked message, code and frames, and lose every other member", () => {
    const error = Object.assign(new Error(`refused: Bearer ${canary}`), {
      code: "ERR_TEST",
      response: { raw: canary },
      payload: canary,
    });
    const { error: logged } = redact({ error });
    expect(logged).toMatchObject({
      name: "Error",
      message: "refused: Bearer [redacted]",
      code: "ERR_TEST",
    });
    expect(Object.keys(logged as object).sort()).toEqual(["code", "message", "name", "stack"]);
    expect(printed({ error })).not.toContain(canary);
    expect(printed({ error })).toContain("redaction.test");
  });

  it("a stack gives no content away, not even that of a message with many lines", () => {
    const error = new Error(`first\n    at ${canary} (file.js:1:1)\nlast`);
    expect(printed({ error })).not.toContain(canary);
  });

  it("causes are followed, to a bound", () => {
    let error = new Error("innermost");
    for (let depth = 0; depth < 20; depth++) error = new Error(`level ${depth}`, { cause: error });
    const text = printed({ error });
    expect(text).toContain("level 15");
    expect(text).not.toContain("innermost");
    expect(printed({ error: new Error("outer", { cause: `token=${canary}` }) })).not.toContain(
      canary,
    );
  });
});
