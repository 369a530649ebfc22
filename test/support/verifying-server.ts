import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import Provider from "oidc-provider";
import { adapterFor, type StoredPayload } from "../../bin/local/authorization-server.ts";
import { type DurableMap, openDurableMap } from "../../bin/local/durable-map.ts";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";
import { clientAuthority } from "./client-certificates.ts";
import { localhostCertificate } from "./localhost-certificate.ts";

export interface VerifyingServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  /** The number of requests for a path. */
  requests(path: string): number;
  /**
   * Issues a refresh token, as a user's consent does.
   * @param jkt the thumbprint of the key that the refresh token is bound to, RFC 9449 §5
   */
  mintRefreshToken(clientId: string, jkt?: string): Promise<string>;
  /** The thumbprint of the key that an access token is bound to. */
  boundTo(accessToken: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface VerifyingServerOptions {
  /** In the terms of RFC 7591 §2. */
  readonly clients: readonly Readonly<Record<string, unknown>>[];
  /** Refuse proofs without a nonce of this server: RFC 9449 §8. @default false */
  readonly requireDpopNonce?: boolean;
}

const clientDefaults = {
  grant_types: ["authorization_code", "refresh_token"],
  redirect_uris: ["https://127.0.0.1/callback"],
  response_types: ["code"],
  id_token_signed_response_alg: "ES256",
};
const accountId = "user";
const scope = "openid offline_access";

/**
 * Starts oidc-provider behind TLS, with every method of client authentication, and DPoP. Node's TLS verifies
 * the certificates of clients that an authority has issued.
 */
export async function startVerifyingServer({
  clients,
  requireDpopNonce = false,
}: VerifyingServerOptions): Promise<VerifyingServer> {
  const paths: (string | undefined)[] = [];
  const server = createServer({
    ...localhostCertificate,
    ca: clientAuthority,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const issuer = (await listenOnLoopback(server)).replace("http:", "https:");
  const state = openDurableMap<StoredPayload>({ isStale: () => false });
  for (const client of clients) {
    const payload = { ...clientDefaults, ...client };
    state.set(`Client:${client.client_id}`, { payload, expiresAtMs: undefined });
  }
  const provider = new Provider(issuer, configuration(state, requireDpopNonce));
  const respond = provider.callback();
  server.on("request", (request, response) => {
    paths.push(request.url);
    void respond(request, response);
  });
  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    requests: (path) => paths.filter((requested) => requested === path).length,
    mintRefreshToken: (clientId, jkt) => mintRefreshToken(provider, clientId, jkt),
    boundTo: async (accessToken) => (await provider.AccessToken.find(accessToken))?.jkt,
    close: () => closeServer(server),
  };
}

async function mintRefreshToken(
  provider: Provider,
  clientId: string,
  jkt: string | undefined,
): Promise<string> {
  const client = await provider.Client.find(clientId);
  if (client === undefined) throw new Error(`there is no client ${clientId}`);
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const gty = "authorization_code";
  return new provider.RefreshToken({ accountId, client, grantId, gty, scope, jkt }).save();
}

type Context = { readonly req: IncomingMessage & { readonly socket: TLSSocket } };

/** https://github.com/panva/node-oidc-provider/blob/main/docs/README.md#configuration-options */
const configuration = (
  state: DurableMap<StoredPayload>,
  requireDpopNonce: boolean,
): Record<string, unknown> => ({
  adapter: (model: string) => adapterFor(model, state),
  clientAuthMethods: [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
  ],
  jwks: { keys: [newSigningKey()] },
  cookies: { keys: ["not used: nobody logs in"] },
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, IdToken: 600, RefreshToken: 3_600, Grant: 3_600 },
  scopes: scope.split(" "),
  enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
  findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: {
    devInteractions: { enabled: false },
    dPoP: {
      enabled: true,
      nonceSecret: randomBytes(32),
      requireNonce: () => requireDpopNonce,
    },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      getCertificate: ({ req }: Context) => certificateOf(req.socket)?.toString(),
      certificateAuthorized: ({ req }: Context) => req.socket.authorized,
      certificateSubjectMatches: ({ req }: Context, _: string, expected: string) =>
        certificateOf(req.socket)?.subject === expected,
    },
  },
});

/** Undefined: the client presented none. */
function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate();
  return raw && new X509Certificate(raw);
}

const newSigningKey = () => ({
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
  alg: "ES256",
  use: "sig",
});

/**
 * Makes this process trust the certificate of the tests' servers.
 * @returns a function that ends it
 */
export function trustLocalhost(): () => void {
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, localhostCertificate.cert]);
  return () => setDefaultCACertificates(before);
}
