import { createServer, type ServerResponse } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";

/** The response of the key set's endpoint: the keys, or whatever a function writes, which may be nothing. */
type KeySetResponse = "keys" | ((response: ServerResponse) => void);

export interface TestIssuer {
  readonly issuer: string;
  readonly jwksUri: URL;
  /** The RSA public key, in the SPKI format. */
  readonly publicKeyPem: string;
  respondWith(next: KeySetResponse): void;
  requests(): number;
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: { readonly alg?: string; readonly kid?: string; readonly typ?: string },
  ): Promise<string>;
  close(): Promise<void>;
}

/** Starts an issuer of JWTs with one RSA key. It serves its key set over http on loopback. */
export async function startIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "key-1", use: "sig" };
  const keySet = JSON.stringify({ keys: [jwk] });
  let respond: KeySetResponse = "keys";
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    if (respond !== "keys") return respond(response);
    response.setHeader("Content-Type", "application/jwk-set+json").end(keySet);
  });
  const issuer = await listenOnLoopback(server);
  return {
    issuer,
    jwksUri: new URL("/jwks", issuer),
    publicKeyPem: await exportSPKI(publicKey),
    respondWith: (next) => {
      respond = next;
    },
    requests: () => requests,
    sign: (claims, { alg = "RS256", kid = "key-1", ...others } = {}) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, ...others }).sign(privateKey),
    close: () => closeServer(server),
  };
}
