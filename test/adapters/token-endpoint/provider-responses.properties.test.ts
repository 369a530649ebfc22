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
const answer: fc.Arbitrary<HttpResponse> = fc.record({
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

/** Whether an answer holds what this provider, or RFC 6749, says of a dead token. */
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

test("whatever the provider is like, no answer makes it throw, or say what was sent", () => {
  assertProperty(
    "value",
    fc.property(behaviour, answer, (provider, any) => {
      const judged = tokenResult(any, secrets, provider);
      const shown = judged.kind === "granted" ? judged.notes : judged;
      const words = `${JSON.stringify(shown)}${inspect(shown, { depth: 9 })}`;
      for (const secret of sentSecrets) expect(words).not.toContain(secret);
    }),
  );
});

test("refused is the provider's own word, and no one else's", () => {
  assertProperty(
    "value",
    fc.property(behaviour, answer, (provider, any) => {
      if (tokenResult(any, secrets, provider).kind !== "refused") return;
      expect(saysDead(wordsOf(any), provider)).toBe(true);
    }),
  );
});

test("an answer that was cut off refuses and rejects nothing", () => {
  assertProperty(
    "value",
    fc.property(behaviour, answer, (provider, any) => {
      const { kind } = tokensInPartialResponse(any, secrets, provider) ?? {};
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
      ...[behaviour, answer, token, fc.boolean(), fc.integer({ min: 200, max: 299 })],
      (provider, any, refresh, isAtOwnPlace, status) => {
        const { tokensAt = "", refreshTokenMember = "refresh_token" } = provider;
        const path = isAtOwnPlace
          ? [...segmentsOf(tokensAt), refreshTokenMember]
          : ["refresh_token"];
        const json = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), refresh);
        const whole = { ...any, status, body: Buffer.from(JSON.stringify(json)) };
        const judged = tokensInPartialResponse(whole, secrets, provider);
        if (judged?.kind !== "rotated") throw new Error(`${judged?.kind} rather than rotated`);
        expect(judged.refreshToken.reveal()).toBe(refresh);
      },
    ),
  );
});

test("tokens at the provider's place or at the RFC's are never lost, whatever surrounds them", () => {
  assertProperty(
    "value",
    fc.property(
      ...[behaviour, answer, bystanders, token, token, fc.boolean()],
      (provider, any, others, access, refresh, isAtOwnPlace) => {
        const json = placed(others, { access, refresh }, provider, isAtOwnPlace);
        const whole = { ...any, body: Buffer.from(JSON.stringify(json)) };
        for (const judged of [
          tokenResult(whole, secrets, provider),
          tokensInPartialResponse(whole, secrets, provider),
        ]) {
          if (judged?.kind !== "granted") throw new Error(`${judged?.kind} rather than granted`);
          expect(judged.tokens.accessToken.reveal()).toBe(access);
          expect(judged.tokens.refreshToken?.reveal()).toBe(refresh);
          const { expiresAtMs = receivedAtMs + 1 } = judged.tokens;
          expect(expiresAtMs).toBeGreaterThan(receivedAtMs);
        }
      },
    ),
  );
});
