import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from "../../../bin/local/authorization-server.ts";

interface TokenAnswer {
  readonly status: number;
  readonly error?: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

describe("the local authorization server", () => {
  const servers: AuthorizationServer[] = [];
  const start = async (options?: AuthorizationServerOptions): Promise<AuthorizationServer> => {
    const server = await startAuthorizationServer(options);
    servers.push(server);
    return server;
  };
  const printed = (["log", "info", "warn", "error"] as const).map((method) =>
    jest.spyOn(console, method),
  );

  async function refresh(
    server: AuthorizationServer,
    refreshToken: string,
    clientSecret = server.clientSecret(),
  ): Promise<TokenAnswer> {
    const credentials = Buffer.from(`${server.clientId}:${clientSecret}`).toString("base64");
    const response = await fetch(server.tokenEndpoint, {
      method: "POST",
      headers: { Authorization: `Basic ${credentials}` },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
    });
    return { ...((await response.json()) as TokenAnswer), status: response.status };
  }

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  afterAll(() => {
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });

  test("rotates the refresh token with every use", async () => {
    const server = await start();
    const minted = await server.mintRefreshToken();
    const first = await refresh(server, minted);
    expect(first).toMatchObject({
      status: 200,
      token_type: "Bearer",
      expires_in: 120,
      scope: "openid offline_access",
      id_token: expect.any(String),
    });
    const second = await refresh(server, first.refresh_token);
    expect(second.status).toBe(200);
    expect(new Set([minted, first.refresh_token, second.refresh_token]).size).toBe(3);
    expect(second.access_token).not.toBe(first.access_token);
    expect(server.tokenResponses()).toEqual({ succeeded: 2, failed: 0 });
  });

  test("revokes the grant when a refresh token is reused", async () => {
    const server = await start();
    const minted = await server.mintRefreshToken();
    const { refresh_token } = await refresh(server, minted);
    expect(await refresh(server, minted)).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(await refresh(server, refresh_token)).toMatchObject({
      status: 400,
      error: "invalid_grant",
    });
    expect(server.tokenResponses()).toEqual({ succeeded: 1, failed: 2 });
  });

  test("separates grants", async () => {
    const server = await start();
    const [stolen, other] = [await server.mintRefreshToken(), await server.mintRefreshToken()];
    await refresh(server, stolen);
    await refresh(server, stolen);
    expect((await refresh(server, other)).status).toBe(200);
  });

  test("issues access tokens with the given lifetime", async () => {
    const server = await start({ accessTokenSeconds: 7 });
    expect(await refresh(server, await server.mintRefreshToken())).toMatchObject({ expires_in: 7 });
  });

  test("accepts the client's current secret and no other", async () => {
    const server = await start();
    const former = server.clientSecret();
    const present = server.rotateClientSecret();
    const token = await server.mintRefreshToken();
    expect(await refresh(server, token, former)).toMatchObject({
      status: 401,
      error: "invalid_client",
    });
    expect((await refresh(server, token, present)).status).toBe(200);
  });

  describe("with a directory", () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), "authorization-server-"));
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    test("accepts unused tokens after a restart, and rejects used ones", async () => {
      const before = await start({ directory });
      const used = await before.mintRefreshToken();
      const { refresh_token } = await refresh(before, used);
      const untouched = await before.mintRefreshToken();
      await before.close();

      const after = await start({ directory });
      expect([before.resumed, after.resumed]).toEqual([false, true]);
      expect(after.clientSecret()).toBe(before.clientSecret());
      expect((await refresh(after, untouched)).status).toBe(200);
      expect((await refresh(after, used)).status).toBe(400);
      expect((await refresh(after, refresh_token)).status).toBe(400);
    });

    test("stores an issued token before it responds, so that SIGKILL loses none", async () => {
      const server = await start({ directory });
      const { refresh_token } = await refresh(server, await server.mintRefreshToken());
      const state = readFileSync(join(directory, "authorization-server.jsonl"), "utf8");
      expect(state).toContain(refresh_token);
    });
  });
});
