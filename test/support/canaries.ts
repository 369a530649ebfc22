import { generateKeyPairSync, type JsonWebKey } from "node:crypto";

/*
 * Tokens, secrets and keys whose values are easily found wherever they end up. Half of them look like words,
 * so that no pattern for secrets can be what hides them.
 */
const canaries: string[] = [];
let serial = 0;

/** @param what it stands for, a part of its value */
export function canary(what: string): string {
  serial += 1;
  const word = [...String(serial)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  const value = serial % 2 ? `canary-${what}-${word}` : `cnry${serial}A8f3kQ9x2Lm7Zp4Rt6Wv1${what}`;
  canaries.push(value);
  return value;
}

/** A private JWK. */
export function canaryKey(): JsonWebKey {
  const { d = "", ...others } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  canaries.push(d);
  return { ...others, d };
}

/** A token response with a new value in each place. */
export const canaryTokens = () => ({
  access_token: canary("access"),
  refresh_token: canary("refresh"),
  id_token: `eyJhbGciOiJub25lIn0.${canary("idtoken")}.sig`,
  token_type: "Bearer",
  expires_in: 3600,
  api_secret: canary("extra"),
});

/** Adds what was made from a canary. */
export const addCanaries = (...values: string[]): void => void canaries.push(...values);

export const canariesIn = (text: string): readonly string[] =>
  canaries.filter((value) => text.includes(value));

export const canaryCount = (): number => canaries.length;
