import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type LocalService, runLocalService, startLocalService } from "../support/local-service.ts";

/** The modes of the directory and of everything below it. */
const modesIn = (path: string): Set<number> =>
  new Set(
    ["", ...readdirSync(path, { recursive: true, encoding: "utf8" })].map(
      (name) => statSync(join(path, name)).mode & 0o777,
    ),
  );

const sh = (script: string) => promisify(execFile)("sh", ["-c", script]);

describe("npm start", () => {
  let directory: string;
  const services: LocalService[] = [];
  const start = async (environment: Record<string, string> = {}): Promise<LocalService> => {
    const service = await startLocalService(environment);
    services.push(service);
    return service;
  };

  const refresh = (
    service: LocalService,
    body: object = { force: true },
    connection = "conn_demo",
  ) => service.refresh(connection, body);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "local-test-"));
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop("SIGKILL")));
    rmSync(directory, { recursive: true });
  });

  test("prints a curl line that works when pasted, and ends its welcome with ready", async () => {
    const service = await start();
    const printed = service.output().trimEnd().split("\n");
    expect(printed.at(-1)).toMatch(/^ready\b/);
    const curl = printed.find((line) => /^\s*curl /.test(line)) ?? "";
    const { stdout } = await sh(curl);
    expect(stdout).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(stdout).toMatch(/^X-Refresh-Outcome: refreshed\r$/m);
    const body = JSON.parse(stdout.split("\r\n\r\n")[1] ?? "");
    expect(body).toEqual({
      status: "success",
      connection_id: "conn_demo",
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    const line = /POST \/api\/v1\/oauth\/refresh\/conn_demo {2}200 refreshed/;
    // The response may arrive before its line.
    while (!line.test(service.output())) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test("writes an env file for its owner alone, and removes it at the end", async () => {
    const service = await start();
    expect(statSync(service.envFile).mode & 0o777).toBe(0o600);
    expect(service.environment).toMatchObject({
      API_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      API_KEY: expect.stringMatching(/^otr_[\w-]{43}$/),
      WORKSPACE_ID: "wsp_demo",
      CONNECTION_ID: "conn_demo",
      AWS_REGION: expect.any(String),
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL_DYNAMODB: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      AWS_ENDPOINT_URL_KMS: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      AWS_ENDPOINT_URL_SECRETS_MANAGER: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      AWS_ENDPOINT_URL_SQS: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      REFRESH_QUEUE_URL: expect.stringMatching(/\/refresh$/),
      RESCUE_QUEUE_URL: expect.stringMatching(/\/rescue$/),
      CONNECTIONS_TABLE: expect.any(String),
      COORDINATION_TABLE: expect.any(String),
      API_KEYS_TABLE: expect.any(String),
      BRANCH_KEYS_TABLE: expect.any(String),
      STAGE: "local",
      SECRET_PREFIX: expect.any(String),
      KMS_KEY_ID: expect.any(String),
      ALLOW_LOOPBACK_PROVIDERS: "true",
    });
    expect(await service.stop("SIGTERM")).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(existsSync(service.envFile)).toBe(false);
    await expect(refresh(service)).rejects.toThrow();
  });

  test("stops with Ctrl-C, which npm forwards a second time", async () => {
    const service = await start();
    const ended = service.stop("SIGINT");
    service.stop("SIGINT");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  test("rotates the demo's refresh token with every refresh", async () => {
    const service = await start();
    for (let i = 0; i < 3; i++) {
      expect(await service.refreshAgain("conn_demo")).toMatchObject({ status: 200 });
    }
  });

  test("requires a credential, as the deployed gateway does", async () => {
    const service = await start();
    const response = await fetch(`${service.environment.API_URL}/api/v1/oauth/refresh/conn_demo`, {
      method: "POST",
    });
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "unauthenticated" });
  });

  test("rejects a revoked key at once", async () => {
    const service = await start();
    expect((await refresh(service, {})).status).toBe(200);
    const keys = JSON.parse(await service.admin("keys list --json"));
    await service.admin(`keys revoke ${keys[0].key_id}`);
    expect((await refresh(service, {})).status).toBe(401);
  });

  describe("with DATA_DIR", () => {
    test("continues after SIGKILL with its tokens and its key", async () => {
      const DATA_DIR = join(directory, "data");
      const startedMs = Date.now();
      const first = await start({ DATA_DIR });
      expect((await refresh(first)).status).toBe(200);
      await first.stop("SIGKILL");

      const second = await start({ DATA_DIR });
      expect(second.environment.API_KEY).toBe(first.environment.API_KEY);
      expect((await refresh(second)).body).toMatchObject({ status: "success" });
      const shown = await second.admin("connections show conn_demo --workspace wsp_demo --json");
      expect(JSON.parse(shown).credentials_version).toBeGreaterThan(startedMs);
    });

    test("protects it from other users", async () => {
      const DATA_DIR = join(directory, "data");
      await start({ DATA_DIR });
      expect(modesIn(DATA_DIR)).toEqual(new Set([0o700, 0o600]));
    });

    test("protects what an earlier start left open, and no file of others", async () => {
      const DATA_DIR = join(directory, "data");
      await (await start({ DATA_DIR })).stop();
      await sh(`chmod -R a+rX '${DATA_DIR}'`);
      await start({ DATA_DIR });
      expect(modesIn(DATA_DIR)).toEqual(new Set([0o700, 0o600]));
      writeFileSync(join(DATA_DIR, "notes"), "", { mode: 0o644 });
      chmodSync(join(DATA_DIR, "notes"), 0o644);
      await services.pop()?.stop();
      await start({ DATA_DIR });
      expect(statSync(join(DATA_DIR, "notes")).mode & 0o777).toBe(0o644);
    });
  });

  test("uses an existing DynamoDB in place of its own, and leaves no key there", async () => {
    const owner = await start();
    const { AWS_ENDPOINT_URL_DYNAMODB = "" } = owner.environment;
    const guest = await start({ AWS_ENDPOINT_URL_DYNAMODB, LOCAL_STAND_INS: "" });
    expect(guest.environment.AWS_ENDPOINT_URL_DYNAMODB).toBe(AWS_ENDPOINT_URL_DYNAMODB);
    expect((await refresh(guest)).status).toBe(200);
    await guest.stop();
    const keys = JSON.parse(await owner.admin("keys list --json"));
    expect(keys.map(({ status }: { status: string }) => status).sort()).toEqual([
      "active",
      "revoked",
    ]);
  });

  describe("prints in one line why it cannot start, and leaves nothing behind:", () => {
    let envFile: string;
    beforeEach(() => {
      envFile = join(directory, ".local", "env");
    });

    async function expectFailure(environment: Record<string, string>, reason: string | RegExp) {
      const before = readdirSync(directory);
      const end = await runLocalService({ PORT: "0", LOCAL_ENV_FILE: envFile, ...environment });
      expect(end).toMatchObject({ code: 1, stdout: "" });
      expect(end.stderr).toMatch(/^cannot start: [^\n]+\n$/);
      expect(end.stderr).toMatch(reason);
      expect(readdirSync(directory)).toEqual(before);
    }

    test("a port in use", async () => {
      const server = await listening(createServer());
      const PORT = String((server.address() as AddressInfo).port);
      await expectFailure({ PORT }, `port ${PORT} is in use. Set PORT to another`);
      server.close();
    });

    test("an invalid PORT", () => expectFailure({ PORT: "http" }, "PORT: expected"));

    test("a setting of the functions", () =>
      expectFailure({ PROVIDER_TIMEOUT_SECONDS: "60" }, "PROVIDER_TIMEOUT_SECONDS"));

    test("a DATA_DIR that cannot be written", async () => {
      writeFileSync(join(directory, "file"), "");
      const DATA_DIR = join(directory, "file", "data");
      await expectFailure({ DATA_DIR }, `DATA_DIR ${DATA_DIR} cannot be written (ENOTDIR)`);
    });

    test("a directory for the env file that cannot be written", async () => {
      writeFileSync(join(directory, "file"), "");
      await expectFailure({ LOCAL_ENV_FILE: join(directory, "file", "env") }, "cannot be written");
    });

    test("an existing DynamoDB that does not respond", () =>
      expectFailure({ AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1" }, "DynamoDB"));

    test("an existing SQS that does not respond", () => {
      const AWS_ENDPOINT_URL_SQS = "http://127.0.0.1:1";
      const REFRESH_QUEUE_URL = `${AWS_ENDPOINT_URL_SQS}/000000000000/refresh`;
      const RESCUE_QUEUE_URL = `${AWS_ENDPOINT_URL_SQS}/000000000000/rescue`;
      const given = { AWS_ENDPOINT_URL_SQS, REFRESH_QUEUE_URL, RESCUE_QUEUE_URL };
      return expectFailure(given, `SQS at ${AWS_ENDPOINT_URL_SQS}: `);
    });
  });

  describe("while a provider is slow", () => {
    let provider: Server;
    let asked: PromiseWithResolvers<void>;
    let release: PromiseWithResolvers<void>;
    let service: LocalService;

    beforeEach(async () => {
      asked = Promise.withResolvers<void>();
      release = Promise.withResolvers<void>();
      provider = await listening(
        createServer(async (_, response) => {
          asked.resolve();
          await release.promise;
          response.setHeader("Content-Type", "application/json");
          response.end('{"access_token":"a","token_type":"Bearer","expires_in":60}');
        }),
      );
      const { port } = provider.address() as AddressInfo;
      service = await start();
      const endpoint = `http://127.0.0.1:${port}/token`;
      await service.admin(
        `integrations put slow --token-endpoint ${endpoint} --client-id c --auth none`,
      );
      await service.admin("connections put conn_slow --workspace wsp_demo --integration slow", "r");
    });
    afterEach(() => {
      release.resolve();
      provider.close();
      provider.closeAllConnections();
    });

    test("a signal waits for the refresh in progress", async () => {
      const response = refresh(service, {}, "conn_slow");
      await asked.promise;
      const ended = service.stop();
      release.resolve();
      expect((await response).status).toBe(200);
      expect(await ended).toMatchObject({ code: 0 });
    });

    test("a second signal does not", async () => {
      const response = refresh(service, {}, "conn_slow").catch(() => "broken off");
      await asked.promise;
      let ended = false;
      const end = service.stop().finally(() => {
        ended = true;
      });
      while (!ended) {
        service.stop();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(await end).toMatchObject({ code: 1 });
      expect(await response).toBe("broken off");
      expect(existsSync(service.envFile)).toBe(false);
    });
  });

  test("prints no token and no secret besides its API key in the curl line", async () => {
    const DATA_DIR = join(directory, "data");
    const service = await start({ DATA_DIR, LOG_LEVEL: "DEBUG" });
    await refresh(service);
    const state = readFileSync(join(DATA_DIR, "authorization-server.jsonl"), "utf8");
    const secrets = [...state.matchAll(/[\w-]{43}/g)].map(([secret]) => secret);
    expect(secrets.length).toBeGreaterThan(3);
    for (const secret of secrets) expect(service.output()).not.toContain(secret);
    const { API_KEY = "" } = service.environment;
    expect(service.output().split(API_KEY)).toHaveLength(2);
    expect(dirname(service.envFile)).not.toBe(".local");
  });
});

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
