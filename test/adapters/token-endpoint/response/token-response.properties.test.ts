import { inspect } from "node:util";
import fc from "fast-check";
import type { HttpResponse } from "../../../../functions/adapters/http/exchange.ts";
import {
  tokenResult,
  tokensInPartialResponse,
} from "../../../../functions/adapters/token-endpoint/response/token-response.ts";
import { Secret } from "../../../../functions/domain/model/secret.ts";
import { assertProperty } from "../../../support/property.ts";

const sentSecrets = ["canary-refresh-token", "canary+secret/=", "cnry"];
const secrets = sentSecrets.map((secret) => new Secret(secret));

const canary = fc.constantFrom(...sentSecrets);
/** Text that may hold what was sent, anywhere. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.tuple(fc.string(), canary, fc.string()).map((parts) => parts.join("")),
);
const errorCode = fc.constantFrom("invalid_grant", "invalid_client", "slow_down", "server_error");
const value = fc.oneof(fc.jsonValue(), text, errorCode, fc.constantFrom(0, -1, 3600, "3600", null));
const memberName = fc.constantFrom(
  "error",
  "error_description",
  "access_token",
  "refresh_token",
  "token_type",
  "scope",
  "expires_in",
  "expires_at",
  "refresh_expires_in",
  "id_token",
  "__proto__",
  "constructor",
  "toJSON",
  "length",
);
const members = fc.dictionary(fc.oneof(memberName, fc.string()), value);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .oneof(
      text,
      value.map((json) => JSON.stringify(json)),
      members.map((m) => JSON.stringify(m)),
    )
    .map((content) => Buffer.from(content)),
  members.map((m) => {
    const fields = Object.entries(m).map(([name, value]): [string, string] => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    return Buffer.from(new URLSearchParams(fields).toString());
  }),
);
const headers = fc.record(
  {
    "content-type": fc.oneof(text, fc.constant("application/json")),
    "retry-after": fc.oneof(text, fc.nat().map(String)),
    "www-authenticate": fc.oneof(text, fc.constant("Basic")),
    date: text,
  },
  { requiredKeys: [] },
);
const status = fc.oneof(
  fc.constantFrom(200, 201, 204, 302, 400, 401, 403, 429, 500, 503),
  fc.integer({ min: 100, max: 999 }),
);
const receivedAtMs = Date.UTC(2026, 0, 1);
const anyResponse: fc.Arbitrary<HttpResponse> = fc.record({
  status,
  headers,
  body,
  receivedAtMs: fc.constant(receivedAtMs),
});

const parsedOf = ({ body }: HttpResponse): unknown => {
  const content = new TextDecoder().decode(body);
  try {
    return JSON.parse(content);
  } catch {
    return Object.fromEntries(new URLSearchParams(content.trim()));
  }
};

test("no response makes it throw", () => {
  assertProperty(
    "value",
    fc.property(anyResponse, (response) => {
      expect(tokenResult(response, secrets).kind).toEqual(expect.any(String));
      tokensInPartialResponse(response, secrets);
    }),
  );
});

test("nothing that was sent comes back in words", () => {
  assertProperty(
    "value",
    fc.property(anyResponse, (response) => {
      const result = tokenResult(response, secrets);
      const shown = result.kind === "granted" ? result.notes : result;
      const words = `${JSON.stringify(shown)}${inspect(shown, { depth: 9 })}`;
      for (const secret of sentSecrets) expect(words).not.toContain(secret);
    }),
  );
});

test("tokens of a JSON object are never lost, whatever surrounds them", () => {
  const token = fc.string({ minLength: 1 }).filter((string) => string.trim() !== "");
  assertProperty(
    "value",
    fc.property(
      anyResponse,
      members,
      token,
      token,
      (response, others, accessToken, refreshToken) => {
        const json = { ...others, access_token: accessToken, refresh_token: refreshToken };
        const whole = { ...response, body: Buffer.from(JSON.stringify(json)) };
        for (const result of [
          tokenResult(whole, secrets),
          tokensInPartialResponse(whole, secrets),
        ]) {
          if (result?.kind !== "granted") throw new Error(`${result?.kind} rather than granted`);
          const { tokens } = result;
          expect(tokens.accessToken.reveal()).toBe(accessToken.toWellFormed());
          expect(tokens.refreshToken?.reveal()).toBe(refreshToken.toWellFormed());
          expect(JSON.stringify(tokens.extra).length).toBeLessThanOrEqual(64 * 1024);
          const { expiresAtMs = receivedAtMs + 1 } = tokens;
          expect(expiresAtMs).toBeGreaterThan(receivedAtMs);
          expect(new Date(expiresAtMs).toISOString()).toMatch(/^20/);
        }
      },
    ),
  );
});

test("a token that came is not in the notes", () => {
  assertProperty(
    "value",
    fc.property(members, headers, status, (others, header, code) => {
      const tokens = { access_token: "canary-new-access", refresh_token: "canary-new-refresh" };
      const content = Buffer.from(JSON.stringify({ ...others, ...tokens }));
      const result = tokenResult(
        { status: code, headers: header, body: content, receivedAtMs },
        [],
      );
      expect(result.kind).toBe("granted");
      expect(inspect(result, { depth: 9 })).not.toContain("canary-new");
      expect(JSON.stringify(result)).not.toContain("canary-new");
    }),
  );
});

test("refused is the provider's own word, and no one else's", () => {
  assertProperty(
    "value",
    fc.property(anyResponse, (response) => {
      if (tokenResult(response, secrets).kind !== "refused") return;
      expect(parsedOf(response)).toMatchObject({ error: "invalid_grant" });
      expect(response.status < 500 && response.status !== 429).toBe(true);
    }),
  );
});

test("a response that was cut off refuses and rejects nothing", () => {
  assertProperty(
    "value",
    fc.property(anyResponse, (response) => {
      const { kind } = tokensInPartialResponse(response, secrets) ?? {};
      expect(["granted", "rotated", undefined]).toContain(kind);
    }),
  );
});
