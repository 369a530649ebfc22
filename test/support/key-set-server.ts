import { createServer, type ServerResponse } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";

/** How the issuer's key set answers; a function answers by itself, or not at all. */
type KeySetAnswer = "keys" | ((response: ServerResponse) => void);

export interface TestIssuer {
  readonly issuer: string;
  readonly jwksUri: URL;
  /** The RSA public key, as anyone can have it. */
  readonly publicKeyPem: string;
  answerWith(answer: KeySetAnswer): void;
  requests(): number;
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: { readonly alg?: string; readonly kid?: string; readonly typ?: string },
  ): Promise<string>;
  close(): Promise<void>;
}

/** A token issuer with one RSA key, its key set served over http on loopback. */
export async function startIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "key-1", use: "sig" };
  const keySet = JSON.stringify({ keys: [jwk] });
  let answer: KeySetAnswer = "keys";
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    if (answer !== "keys") return answer(response);
    response.setHeader("Content-Type", "application/jwk-set+json").end(keySet);
  });
  const issuer = await listenOnLoopback(server);
  return {
    issuer,
    jwksUri: new URL("/jwks", issuer),
    publicKeyPem: await exportSPKI(publicKey),
    answerWith: (next) => {
      answer = next;
    },
    requests: () => requests,
    sign: (claims, { alg = "RS256", kid = "key-1", ...others } = {}) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, ...others }).sign(privateKey),
    close: () => closeServer(server),
  };
}
