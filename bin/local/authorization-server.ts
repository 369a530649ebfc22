import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import Provider, { type Adapter, type AdapterPayload } from "oidc-provider";
import { type DurableMap, openDurableMap } from "./durable-map.ts";
import { closeServer, listenOnLoopback } from "./loopback.ts";

export interface AuthorizationServerOptions {
  /** The directory of `authorization-server.jsonl`, which keeps keys, client and tokens. @default in memory */
  readonly directory?: string;
  /** @default the port of the last start with the same directory, or else any free port */
  readonly port?: number;
  /** @default 120 */
  readonly accessTokenSeconds?: number;
}

export interface AuthorizationServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  /** The client's current secret, for `client_secret_basic`. */
  clientSecret(): string;
  /** True: the state of an earlier start was found, so that its tokens are still valid. */
  readonly resumed: boolean;
  /** Issues a refresh token, as a user's consent would. */
  mintRefreshToken(): Promise<string>;
  /** Replaces the client's secret. @returns the only secret that is accepted from now on */
  rotateClientSecret(): string;
  /** The token endpoint's responses since the start. */
  tokenResponses(): TokenResponseCounts;
  close(): Promise<void>;
}

export interface TokenResponseCounts {
  readonly succeeded: number;
  readonly failed: number;
}

export interface StoredPayload {
  readonly payload: AdapterPayload;
  /** Undefined: the payload does not expire. */
  readonly expiresAtMs: number | undefined;
}

type State = DurableMap<StoredPayload>;

const clientId = "demo";
const accountId = "user_demo";
const scope = "openid offline_access";
const daySeconds = 24 * 60 * 60;

/**
 * An authorization server on a loopback address, with one client and refresh tokens that rotate with every use. The
 * reuse of a refresh token revokes the whole grant, as RFC 9700 §4.14.2 advises.
 */
export async function startAuthorizationServer({
  directory,
  port,
  accessTokenSeconds = 120,
}: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const state: State = openDurableMap({
    path: directory === undefined ? undefined : join(directory, "authorization-server.jsonl"),
    isStale: ({ expiresAtMs }) => expiresAtMs !== undefined && expiresAtMs <= Date.now(),
    // An error in the middle of a rotation would leave the former token used and the new one unissued.
    outlivesFailedWrites: true,
  });
  const resumed = state.get(clientKey) !== undefined;
  if (!resumed) putClient(state);

  const server = createServer();
  const issuer = await listenAsBefore(server, state, port);
  const provider = new Provider(issuer, configuration(state, accessTokenSeconds));
  const counts = { succeeded: 0, failed: 0 };
  provider.on("grant.success", () => {
    counts.succeeded += 1;
  });
  provider.on("grant.error", () => {
    counts.failed += 1;
  });
  server.on("request", provider.callback());

  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    clientId,
    clientSecret: () => String(state.get(clientKey)?.payload.client_secret),
    resumed,
    mintRefreshToken: () => mintRefreshToken(provider),
    rotateClientSecret: () => putClient(state),
    tokenResponses: () => ({ ...counts }),
    close: async () => {
      await closeServer(server);
      state.close();
    },
  };
}

/** Tokens are sent only to the address that issued them, so that the address stays the same where it is free. */
async function listenAsBefore(
  server: Server,
  state: State,
  port: number | undefined,
): Promise<string> {
  const former = Number(state.get(portKey)?.payload.port ?? 0);
  const issuer = await listenOnLoopback(server, port ?? former).catch((error: unknown) => {
    if (port !== undefined) throw error;
    return listenOnLoopback(server);
  });
  const payload = { port: Number(new URL(issuer).port) };
  if (payload.port !== former) state.set(portKey, { payload, expiresAtMs: undefined });
  return issuer;
}

async function mintRefreshToken(provider: Provider): Promise<string> {
  const client = await provider.Client.find(clientId);
  if (client === undefined)
    throw new Error(`the authorization server's state lacks the client ${clientId}`);
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const gty = "authorization_code";
  return new provider.RefreshToken({ accountId, client, grantId, gty, scope }).save();
}

/** https://github.com/panva/node-oidc-provider/blob/main/docs/README.md#configuration-options */
function configuration(state: State, accessTokenSeconds: number): Record<string, unknown> {
  return {
    adapter: (model: string) => adapterFor(model, state),
    jwks: { keys: [stored(state, "jwk", newSigningKey)] },
    cookies: { keys: [stored(state, "cookie", newSecret).value] },
    rotateRefreshToken: true,
    scopes: scope.split(" "),
    enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: accessTokenSeconds,
      RefreshToken: 90 * daySeconds,
      Grant: 365 * daySeconds,
    },
  };
}

const portKey = "port";
const clientKey = `Client:${clientId}`;

/** @returns the client's new secret */
function putClient(state: State): string {
  const clientSecret = newSecret().value;
  const payload = {
    client_id: clientId,
    client_secret: clientSecret,
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: ["http://127.0.0.1/callback"],
    response_types: ["code"],
    id_token_signed_response_alg: "ES256",
  };
  state.set(clientKey, { payload, expiresAtMs: undefined });
  return clientSecret;
}

function stored<Payload extends AdapterPayload>(
  state: State,
  key: string,
  create: () => Payload,
): Payload {
  const found = state.get(key);
  if (found !== undefined) return found.payload as Payload;
  const payload = create();
  state.set(key, { payload, expiresAtMs: undefined });
  return payload;
}

const newSecret = () => ({ value: randomBytes(32).toString("base64url") });

const newSigningKey = () => ({
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
  alg: "ES256",
  use: "sig",
});

/** https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js */
export function adapterFor(model: string, state: DurableMap<StoredPayload>): Adapter {
  const keyOf = (id: string): string => `${model}:${id}`;
  const find = async (id: string): Promise<AdapterPayload | undefined> =>
    state.get(keyOf(id))?.payload;
  /** Serves the interactive models, which this server without users does not have. */
  const findNothing = async (): Promise<undefined> => undefined;
  return {
    find,
    findByUid: findNothing,
    findByUserCode: findNothing,
    upsert: async (id, payload, expiresInSeconds) => {
      const expiresAtMs =
        expiresInSeconds === undefined ? undefined : Date.now() + expiresInSeconds * 1000;
      state.set(keyOf(id), { payload, expiresAtMs });
    },
    consume: async (id) => {
      const stored = state.get(keyOf(id));
      if (stored === undefined) return;
      const consumed = Math.floor(Date.now() / 1000);
      state.set(keyOf(id), { ...stored, payload: { ...stored.payload, consumed } });
    },
    destroy: async (id) => state.delete(keyOf(id)),
    revokeByGrantId: async (grantId) => {
      for (const [key, { payload }] of state.entries()) {
        if (key.startsWith(`${model}:`) && payload.grantId === grantId) state.delete(key);
      }
    },
  };
}
