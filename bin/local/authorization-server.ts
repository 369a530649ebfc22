import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import Provider, { type Adapter, type AdapterPayload } from "oidc-provider";
import { type DurableMap, openDurableMap } from "./durable-map.ts";
import { closeServer, listenOnLoopback } from "./loopback.ts";

export interface AuthorizationServerOptions {
  /** Keeps keys, client and tokens in `authorization-server.jsonl` there; without it they end with the process. */
  readonly directory?: string;
  /** @default 0, any free port */
  readonly port?: number;
  /** @default 120 */
  readonly accessTokenSeconds?: number;
}

export interface AuthorizationServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  /** The client's present secret; it authenticates with `client_secret_basic`. */
  clientSecret(): string;
  /** Whether it found the state of an earlier start: tokens of then are still good. */
  readonly resumed: boolean;
  /** What a user's consent would have given the client. */
  mintRefreshToken(): Promise<string>;
  /** From now on only the returned secret is accepted. */
  rotateClientSecret(): string;
  /** Answers of the token endpoint since the start. */
  grants(): GrantCounts;
  close(): Promise<void>;
}

export interface GrantCounts {
  readonly granted: number;
  readonly refused: number;
}

export interface StoredPayload {
  readonly payload: AdapterPayload;
  /** Undefined: does not expire. */
  readonly expiresAtMs: number | undefined;
}

type State = DurableMap<StoredPayload>;

const clientId = "demo";
const accountId = "user_demo";
const scope = "openid offline_access";
const daySeconds = 24 * 60 * 60;

/**
 * An authorization server on a loopback address: one client, refresh tokens that rotate with every
 * use. A refresh token that is used twice revokes the whole grant, as RFC 9700 §4.14.2 advises.
 */
export async function startAuthorizationServer({
  directory,
  port = 0,
  accessTokenSeconds = 120,
}: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const state: State = openDurableMap({
    path: directory === undefined ? undefined : join(directory, "authorization-server.jsonl"),
    isStale: ({ expiresAtMs }) => expiresAtMs !== undefined && expiresAtMs <= Date.now(),
  });
  const resumed = state.get(clientKey) !== undefined;
  if (!resumed) putClient(state);

  const server = createServer();
  const issuer = await listenOnLoopback(server, port);
  const provider = new Provider(issuer, configuration(state, accessTokenSeconds));
  const counts = { granted: 0, refused: 0 };
  provider.on("grant.success", () => {
    counts.granted += 1;
  });
  provider.on("grant.error", () => {
    counts.refused += 1;
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
    grants: () => ({ ...counts }),
    close: async () => {
      await closeServer(server);
      state.close();
    },
  };
}

async function mintRefreshToken(provider: Provider): Promise<string> {
  const client = await provider.Client.find(clientId);
  if (client === undefined) throw new Error(`the client ${clientId} is gone`);
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
    jwks: { keys: [kept(state, "jwk", newSigningKey)] },
    cookies: { keys: [kept(state, "cookie", newSecret).value] },
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

function kept<Made extends AdapterPayload>(state: State, key: string, make: () => Made): Made {
  const found = state.get(key);
  if (found !== undefined) return found.payload as Made;
  const payload = make();
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
  /** Interactive models only: this server has no user in front of it. */
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
