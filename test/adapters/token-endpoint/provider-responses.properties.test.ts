import { inspect } from "node:util";
import fc from "fast-check";
import type { HttpResponse } from "../../../functions/adapters/http/exchange.ts";
import type { ProviderBehaviour } from "../../../functions/adapters/provider-catalogue/provider-entry.ts";
import { segmentsOf } from "../../../functions/adapters/provider-catalogue/stated-values.ts";
import {
  tokenResult,
  tokensInPartialResponse,
} from "../../../functions/adapters/token-endpoint/response/token-response.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import {
  behaviour,
  body,
  bystanders,
  headers,
  sentSecrets,
  status,
} from "../../support/generated-responses.ts";
import { assertProperty } from "../../support/property.ts";

const secrets = sentSecrets.map((secret) => new Secret(secret));
const receivedAtMs = Date.UTC(2026, 0, 1);
const anyResponse: fc.Arbitrary<HttpResponse> = fc.record({
  ...{ status, headers, body },
  receivedAtMs: fc.constant(receivedAtMs),
});
/** All strings and numbers that a response holds, however it is written. */
function wordsOf({ body: bytes }: HttpResponse): readonly string[] {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const content = new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
  const leaves = (value: unknown): string[] =>
    typeof value === "object" && value !== null
      ? Object.values(value).flatMap(leaves)
      : [String(value)];
  try {
    return leaves(JSON.parse(content));
  } catch {
    return [...new URLSearchParams(content.trim()).values()];
  }
}

/** Returns true if a response holds an error for a dead token, by this provider's words or by RFC 6749. */
function saysDead(words: readonly string[], { errors = [] }: ProviderBehaviour): boolean {
  const isThere = (
    rule: Pick<NonNullable<typeof errors>[number], "error" | "text" | "textPattern">,
  ) =>
    words.some((word) => rule.error === undefined || word === rule.error) &&
    words.some(
      (word) => rule.text === undefined || word.toLowerCase().includes(rule.text.toLowerCase()),
    ) &&
    words.some(
      (word) => rule.textPattern === undefined || new RegExp(rule.textPattern, "i").test(word),
    );
  const dead = errors.filter(({ means }) => means === "dead");
  return words.includes("invalid_grant") || dead.some(isThere);
}

test("with any provider no response makes it throw, or quotes a value that was sent", () => {
  assertProperty(
    "value",
    fc.property(behaviour, anyResponse, (provider, response) => {
      const result = tokenResult(response, secrets, provider);
      const shown = result.kind === "granted" ? result.notes : result;
      const words = `${JSON.stringify(shown)}${inspect(shown, { depth: 9 })}`;
      for (const secret of sentSecrets) expect(words).not.toContain(secret);
    }),
  );
});

test("refused is the provider's own word, and no one else's", () => {
  assertProperty(
    "value",
    fc.property(behaviour, anyResponse, (provider, response) => {
      if (tokenResult(response, secrets, provider).kind !== "refused") return;
      expect(saysDead(wordsOf(response), provider)).toBe(true);
    }),
  );
});

test("a response that was cut off refuses and rejects nothing", () => {
  assertProperty(
    "value",
    fc.property(behaviour, anyResponse, (provider, response) => {
      const { kind } = tokensInPartialResponse(response, secrets, provider) ?? {};
      expect(["granted", "rotated", undefined]).toContain(kind);
    }),
  );
});

/** A token set at the provider's place, or at the RFC's. */
function placed(
  others: object,
  tokens: { readonly access: string; readonly refresh: string },
  { tokensAt = "", accessTokenMember, refreshTokenMember }: ProviderBehaviour,
  isAtOwnPlace: boolean,
): object {
  const access = (isAtOwnPlace ? accessTokenMember : undefined) ?? "access_token";
  const refresh = (isAtOwnPlace ? refreshTokenMember : undefined) ?? "refresh_token";
  const set = { [access]: tokens.access, [refresh]: tokens.refresh };
  const path = isAtOwnPlace && tokensAt !== "" ? tokensAt.split(".") : [];
  return { ...others, ...path.reduceRight<object>((inner, name) => ({ [name]: inner }), set) };
}

const token = fc
  .string({ minLength: 1, unit: "grapheme-ascii" })
  .filter((one) => one.trim() !== "");

test("a new refresh token is never lost for want of an access token", () => {
  assertProperty(
    "value",
    fc.property(
      ...[behaviour, anyResponse, token, fc.boolean(), fc.integer({ min: 200, max: 299 })],
      (provider, response, refresh, isAtOwnPlace, status) => {
        const { tokensAt = "", refreshTokenMember = "refresh_token" } = provider;
        const path = isAtOwnPlace
          ? [...segmentsOf(tokensAt), refreshTokenMember]
          : ["refresh_token"];
        const json = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), refresh);
        const whole = { ...response, status, body: Buffer.from(JSON.stringify(json)) };
        const result = tokensInPartialResponse(whole, secrets, provider);
        if (result?.kind !== "rotated") throw new Error(`${result?.kind} rather than rotated`);
        expect(result.refreshToken.reveal()).toBe(refresh);
      },
    ),
  );
});

test("tokens at the provider's place or at the RFC's are never lost, whatever surrounds them", () => {
  assertProperty(
    "value",
    fc.property(
      ...[behaviour, anyResponse, bystanders, token, token, fc.boolean()],
      (provider, response, others, access, refresh, isAtOwnPlace) => {
        const json = placed(others, { access, refresh }, provider, isAtOwnPlace);
        const whole = { ...response, body: Buffer.from(JSON.stringify(json)) };
        for (const result of [
          tokenResult(whole, secrets, provider),
          tokensInPartialResponse(whole, secrets, provider),
        ]) {
          if (result?.kind !== "granted") throw new Error(`${result?.kind} rather than granted`);
          expect(result.tokens.accessToken.reveal()).toBe(access);
          expect(result.tokens.refreshToken?.reveal()).toBe(refresh);
          const { expiresAtMs = receivedAtMs + 1 } = result.tokens;
          expect(expiresAtMs).toBeGreaterThan(receivedAtMs);
        }
      },
    ),
  );
});
