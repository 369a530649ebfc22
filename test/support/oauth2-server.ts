import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import OAuth2Server from "@node-oauth/oauth2-server";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";

export interface NodeOauthServer {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** @param expiresAt of the refresh token */
  mintRefreshToken(expiresAt?: Date): string;
  close(): Promise<void>;
}

export interface NodeOauthServerOptions {
  /** Each refresh replaces the refresh token. @default true */
  readonly rotates?: boolean;
  /** The client has a secret. @default true */
  readonly isConfidential?: boolean;
  /** The grant types that the client may use. @default ["refresh_token"] */
  readonly grants?: readonly string[];
}

/** Starts `@node-oauth/oauth2-server`, which Express and Koa applications use, with its model in memory. */
export async function startNodeOauthServer({
  rotates = true,
  isConfidential = true,
  grants = ["refresh_token"],
}: NodeOauthServerOptions = {}): Promise<NodeOauthServer> {
  const client = { id: "client", grants: [...grants] };
  const clientSecret = randomUUID();
  const refreshTokens = new Map<string, OAuth2Server.RefreshToken>();
  const oauth = new OAuth2Server({
    requireClientAuthentication: { refresh_token: isConfidential },
    alwaysIssueNewRefreshToken: rotates,
    accessTokenLifetime: 600,
    model: {
      getClient: async (id, secret) =>
        id === client.id && (!isConfidential || secret === clientSecret) && client,
      getAccessToken: async () => undefined,
      getRefreshToken: async (token) => refreshTokens.get(token),
      revokeToken: async ({ refreshToken }) => refreshTokens.delete(refreshToken),
      saveToken: async (token, owner, user) => {
        const saved = { ...token, client: owner, user };
        const { refreshToken } = token;
        if (refreshToken !== undefined) refreshTokens.set(refreshToken, { ...saved, refreshToken });
        return saved;
      },
    },
  });
  const server = createServer((request, response) => void respond(oauth, request, response));
  const origin = await listenOnLoopback(server);
  return {
    tokenEndpoint: `${origin}/token`,
    clientId: client.id,
    clientSecret,
    mintRefreshToken: (refreshTokenExpiresAt = new Date(Date.now() + 60_000)) => {
      const refreshToken = randomUUID();
      const scope = ["read"];
      refreshTokens.set(refreshToken, {
        ...{ refreshToken, refreshTokenExpiresAt, scope, client },
        user: { id: "user" },
      });
      return refreshToken;
    },
    close: () => closeServer(server),
  };
}

async function respond(
  oauth: OAuth2Server,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
  const { method = "", headers } = incoming;
  const response = new OAuth2Server.Response();
  const request = new OAuth2Server.Request({
    method,
    headers: headers as Record<string, string>,
    query: {},
    body,
  });
  // The response holds the error as well.
  await oauth.token(request, response).catch(() => undefined);
  outgoing
    .writeHead(response.status ?? 500, { ...response.headers, "content-type": "application/json" })
    .end(JSON.stringify(response.body));
}
