import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";

/** Where Debian's package `glewlwyd` puts the server, and the tables of its database. */
const binary = "/usr/bin/glewlwyd";
const tables = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz";
const modules = "/usr/lib/glewlwyd";

/** Why it cannot be started here; undefined: it can. */
export const glewlwydIsMissing: string | undefined = [binary, tables].every(existsSync)
  ? undefined
  : "Debian's package glewlwyd is not installed";

export interface Glewlwyd {
  readonly issuer: string;
  readonly client: { readonly client_id: string; readonly client_secret: string };
  /** By the user's password: the one grant that needs no browser. */
  newRefreshToken(): Promise<string>;
  close(): Promise<void>;
}

const client = { client_id: "client", client_secret: "client-secret" };

/** Glewlwyd 2.7 has been seen to hang as it starts, on a busy machine, deaf to SIGTERM. */
const maximumStarts = 3;
const patienceMs = 10_000;

/**
 * Glewlwyd, an authorization server written in C, with a database of its own, set up through its
 * administration API. https://github.com/babelouest/glewlwyd/blob/master/docs/API.md
 */
export async function startGlewlwyd(starts = 1): Promise<Glewlwyd> {
  const directory = mkdtempSync(join(tmpdir(), "glewlwyd-"));
  const origin = await freeOrigin();
  await writeDatabase(join(directory, "database"));
  const configuration = join(directory, "configuration");
  writeFileSync(configuration, configurationFor(origin, directory));
  const child = spawn(binary, ["--config-file", configuration], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const issuer = `${origin}/api/oidc`;
  const close = async () => {
    if (child.kill("SIGKILL")) await once(child, "exit");
    rmSync(directory, { recursive: true });
  };
  try {
    await started(child);
    await setUp(`${origin}/api`, issuer);
    return { issuer, client, newRefreshToken: () => newRefreshToken(issuer), close };
  } catch (error) {
    await close();
    if (starts === maximumStarts) throw error;
    return startGlewlwyd(starts + 1);
  }
}

async function newRefreshToken(issuer: string): Promise<string> {
  const credentials = btoa(`${client.client_id}:${client.client_secret}`);
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: "password", scope: "read", ...user }),
    signal: AbortSignal.timeout(patienceMs),
  });
  const { refresh_token } = (await response.json()) as { refresh_token: string };
  return refresh_token;
}

const user = { username: "user", password: "user-password" };

/** Glewlwyd has to be told its port. */
async function freeOrigin(): Promise<string> {
  const server = createServer();
  const origin = await listenOnLoopback(server);
  await closeServer(server);
  return origin;
}

async function writeDatabase(path: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  database.exec(gunzipSync(readFileSync(tables)).toString());
  database.close();
}

const configurationFor = (origin: string, directory: string): string => `
port=${new URL(origin).port}
bind_address="127.0.0.1"
external_url="${origin}"
api_prefix="api"
log_mode="console"
log_level="INFO"
session_key="SESSION"
session_expiration=3600
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="${modules}/user"
client_module_path="${modules}/client"
user_auth_scheme_module_path="${modules}/scheme"
plugin_module_path="${modules}/plugin"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "${join(directory, "database")}"; };
`;

/** @throws {Error} it ends instead, or does not start in time */
async function started(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log += chunk;
      if (log.includes("started on port")) resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`glewlwyd ended with ${code}: ${log}`)));
    AbortSignal.timeout(patienceMs).addEventListener("abort", () =>
      reject(new Error(`glewlwyd has not started: ${log}`)),
    );
  });
}

async function setUp(api: string, issuer: string): Promise<void> {
  const { client_id, client_secret } = client;
  // Name and password of the administrator are in the tables that the package comes with.
  const { headers } = await post(`${api}/auth/`, { username: "admin", password: "password" });
  const cookie = headers.get("set-cookie")?.split(";")[0] ?? "";
  await post(`${api}/mod/plugin/`, oidcPlugin(issuer), cookie);
  const scope = { name: "read", display_name: "read", description: "read", scheme: {} };
  await post(`${api}/scope/`, { ...scope, password_required: true }, cookie);
  const enabled = { enabled: true, scope: ["read"] };
  await post(`${api}/user/`, { ...user, name: "User", ...enabled }, cookie);
  const authorization_type = ["password", "refresh_token"];
  const token_endpoint_auth_method = ["client_secret_basic"];
  const registration = { client_id, name: "Client", password: client_secret, confidential: true };
  await post(
    `${api}/client/`,
    { ...registration, authorization_type, token_endpoint_auth_method, ...enabled },
    cookie,
  );
}

const oidcPlugin = (issuer: string) => ({
  module: "oidc",
  name: "oidc",
  display_name: "OpenID Connect",
  parameters: {
    iss: issuer,
    "jwt-type": "sha",
    "jwt-key-size": "256",
    key: "thirty-two bytes that sign tokens",
    "access-token-duration": 600,
    "refresh-token-duration": 3600,
    "code-duration": 600,
    "refresh-token-rolling": true,
    "refresh-token-one-use": "always",
    "auth-type-password-enabled": true,
    "auth-type-refresh-enabled": true,
    "allow-non-oidc": true,
    scope: [],
  },
});

/** @throws {Error} not 200 */
async function post(url: string, body: object, cookie = ""): Promise<Response> {
  const headers = { "content-type": "application/json", cookie };
  const signal = AbortSignal.timeout(patienceMs);
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal,
  });
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  return response;
}
