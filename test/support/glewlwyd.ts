import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

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

const patienceMs = 10_000;

/**
 * Glewlwyd, an authorization server written in C, with a database of its own, set up through its
 * administration API. https://github.com/babelouest/glewlwyd/blob/master/docs/API.md
 */
export async function startGlewlwyd(): Promise<Glewlwyd> {
  const directory = mkdtempSync(join(tmpdir(), "glewlwyd-"));
  const origin = ownOrigin();
  await writeDatabase(join(directory, "database"));
  const configuration = join(directory, "configuration");
  writeFileSync(configuration, configurationFor(origin, directory));
  const child = spawn(binary, ["--config-file", configuration], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const issuer = `${origin}/api/oidc`;
  const close = async () => {
    // Deaf to a SIGTERM for good if one comes before it waits for any.
    if (child.kill("SIGKILL")) await once(child, "exit");
    rmSync(directory, { recursive: true });
  };
  try {
    await answering(child, origin);
    await setUp(`${origin}/api`, issuer);
    return { issuer, client, newRefreshToken: () => newRefreshToken(issuer), close };
  } catch (error) {
    await close();
    throw error;
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

/**
 * Glewlwyd has to be told its port, and one that was free may not be when it starts: an address of its own,
 * of the 127.0.0.0/8 that is this machine, and a port that nobody is given for want of one.
 */
function ownOrigin(): string {
  const [first, second, third] = [randomInt(1, 255), randomInt(1, 255), randomInt(1, 255)];
  return `http://127.${first}.${second}.${third}:14593`;
}

async function writeDatabase(path: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  database.exec(gunzipSync(readFileSync(tables)).toString());
  database.close();
}

const configurationFor = (origin: string, directory: string): string => `
port=${new URL(origin).port}
bind_address="${new URL(origin).hostname}"
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

/**
 * Asks until it answers, for Glewlwyd 2.7 logs that it has started, and listens after that.
 * https://github.com/babelouest/glewlwyd/blob/master/src/glewlwyd.c
 *
 * @throws {Error} it ends instead, or does not answer in time
 */
async function answering(child: ChildProcess, origin: string): Promise<void> {
  let log = "";
  for (const output of [child.stdout, child.stderr]) {
    output?.on("data", (chunk: Buffer) => {
      log += chunk;
    });
  }
  await once(child, "spawn");
  const signal = AbortSignal.timeout(patienceMs);
  while (!(await fetch(origin, { signal }).then(isAnswer, isNone))) {
    const ended = child.exitCode ?? child.signalCode;
    if (ended !== null) throw new Error(`glewlwyd ended with ${ended}: ${log}`);
    if (signal.aborted) throw new Error(`glewlwyd does not answer: ${log}`);
    await wait(20);
  }
}

const isAnswer = () => true;
const isNone = () => false;

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
