import { type ChildProcess, spawn } from "node:child_process";
import { type JsonWebKey, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Where Debian's package `glewlwyd` is installed, or else unpacked by `.ci/unpack-glewlwyd`. */
const roots = ["/", "node_modules/.cache/glewlwyd"].map((path) => resolve(path));
const root = roots.find((path) => existsSync(join(path, "usr/bin/glewlwyd")));
const inPackage = (path: string): string => join(root ?? "/", path);

/** Why it cannot be started on this machine. Undefined: it can. */
export const glewlwydIsMissing: string | undefined =
  root === undefined ? "Debian's package glewlwyd is neither installed nor unpacked" : undefined;

export interface Glewlwyd {
  readonly issuer: string;
  readonly client: { readonly client_id: string; readonly client_secret: string };
  /** Uses the user's password, the one grant type that needs no browser. */
  newRefreshToken(): Promise<string>;
  /**
   * Uses an authorization code, which the user's browser would fetch.
   * @param prove makes the proof that binds the token to its key, for this URL: RFC 9449 §5
   */
  newBoundRefreshToken(prove: (url: string) => Promise<string>): Promise<string>;
  close(): Promise<void>;
}

/** A client that may use every method of authentication that Glewlwyd verifies without TLS. */
const client = { client_id: "client", client_secret: "a secret of at least thirty-two bytes" };
const clientMethods = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
];
const redirect_uri = "https://127.0.0.1/callback";
const user = { username: "user", password: "user-password" };
const scope = "read";
const timeoutMs = 10_000;

/**
 * Glewlwyd, an authorization server written in C, with a database of its own, set up through its
 * administration API. https://github.com/babelouest/glewlwyd/blob/master/docs/API.md
 *
 * @param keys the public keys of the client
 */
export async function startGlewlwyd(keys: readonly JsonWebKey[]): Promise<Glewlwyd> {
  const directory = mkdtempSync(join(tmpdir(), "glewlwyd-"));
  const origin = ownOrigin();
  await writeDatabase(join(directory, "database"));
  const configuration = join(directory, "configuration");
  writeFileSync(configuration, configurationFor(origin, directory));
  const libraries = globSync(inPackage("{usr/lib,lib}/*-linux-gnu*"));
  const child = spawn(inPackage("usr/bin/glewlwyd"), ["--config-file", configuration], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { LD_LIBRARY_PATH: libraries.join(":") },
  });
  const api = `${origin}/api`;
  const issuer = `${api}/oidc`;
  const close = async () => {
    // A SIGTERM that comes before it waits for signals is lost.
    if (child.kill("SIGKILL")) await once(child, "exit");
    rmSync(directory, { recursive: true });
  };
  try {
    await untilResponding(child, origin);
    await setUp(api, issuer, keys);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    issuer,
    client,
    newRefreshToken: () => requestTokens(issuer, { grant_type: "password", scope, ...user }),
    async newBoundRefreshToken(prove) {
      const code = await authorize(api, issuer);
      const dpop = await prove(`${issuer}/token`);
      return requestTokens(issuer, { grant_type: "authorization_code", code, redirect_uri }, dpop);
    },
    close,
  };
}

/**
 * Glewlwyd has to be given a port, and a free one may be taken by the time it starts. So it gets an address of
 * its own in 127.0.0.0/8, and a port that is not assigned automatically.
 */
function ownOrigin(): string {
  const [first, second, third] = [randomInt(1, 255), randomInt(1, 255), randomInt(1, 255)];
  return `http://127.${first}.${second}.${third}:14593`;
}

async function writeDatabase(path: string): Promise<void> {
  const tables = inPackage("usr/share/dbconfig-common/data/glewlwyd/install/sqlite3");
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  database.exec(readFileSync(tables, "utf8"));
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
user_module_path="${inPackage("usr/lib/glewlwyd/user")}"
client_module_path="${inPackage("usr/lib/glewlwyd/client")}"
user_auth_scheme_module_path="${inPackage("usr/lib/glewlwyd/scheme")}"
plugin_module_path="${inPackage("usr/lib/glewlwyd/plugin")}"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "${join(directory, "database")}"; };
`;

/**
 * Waits for the first response, since Glewlwyd 2.7 logs that it has started before it listens.
 * https://github.com/babelouest/glewlwyd/blob/master/src/glewlwyd.c
 *
 * @throws {Error} it ended, or did not respond in time
 */
async function untilResponding(child: ChildProcess, origin: string): Promise<void> {
  let log = "";
  for (const output of [child.stdout, child.stderr]) {
    output?.on("data", (chunk: Buffer) => {
      log += chunk;
    });
  }
  await once(child, "spawn");
  const signal = AbortSignal.timeout(timeoutMs);
  while (!(await fetch(origin, { signal }).then(isResponse, isNone))) {
    const ended = child.exitCode ?? child.signalCode;
    if (ended !== null) throw new Error(`glewlwyd ended with ${ended}: ${log}`);
    if (signal.aborted) throw new Error(`glewlwyd does not respond: ${log}`);
    await wait(20);
  }
}

const isResponse = () => true;
const isNone = () => false;

async function setUp(api: string, issuer: string, keys: readonly JsonWebKey[]): Promise<void> {
  // The name and password of the administrator are in the tables of the package.
  const cookie = await logIn(api, { username: "admin", password: "password" });
  const create = (path: string, body: object) => send("POST", `${api}/${path}/`, body, cookie);
  await create("mod/plugin", oidcPlugin(issuer));
  const shown = { display_name: scope, description: scope };
  await create("scope", { name: scope, ...shown, scheme: {}, password_required: true });
  const enabled = { enabled: true, scope: [scope] };
  await create("user", { ...user, name: "User", ...enabled });
  await create("client", {
    ...client,
    name: "Client",
    confidential: true,
    token_endpoint_auth_method: clientMethods,
    jwks: { keys },
    authorization_type: ["password", "code", "refresh_token"],
    redirect_uri: [redirect_uri],
    ...enabled,
  });
}

/** https://github.com/babelouest/glewlwyd/blob/master/docs/OIDC.md */
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
    "auth-type-code-enabled": true,
    "auth-type-refresh-enabled": true,
    "allow-non-oidc": true,
    scope: [],
    // Client assertions need it as well.
    "request-parameter-allow": true,
    "client-jwks-parameter": "jwks",
    "oauth-dpop-allowed": true,
    "oauth-dpop-iat-duration": 60,
  },
});

/** @returns the refresh token */
async function requestTokens(
  issuer: string,
  parameters: Readonly<Record<string, string>>,
  dpop?: string,
): Promise<string> {
  const credentials = btoa(`${client.client_id}:${client.client_secret}`);
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${credentials}`, ...(dpop && { dpop }) },
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { refresh_token } = (await response.json()) as { refresh_token: string };
  return refresh_token;
}

/** @returns the authorization code of a user who has logged in and consented */
async function authorize(api: string, issuer: string): Promise<string> {
  const { client_id } = client;
  const cookie = await logIn(api, user);
  await send("PUT", `${api}/auth/grant/${client_id}`, { scope }, cookie);
  const request = { response_type: "code", client_id, redirect_uri, scope, g_continue: "" };
  const response = await fetch(`${issuer}/auth?${new URLSearchParams(request)}`, {
    headers: { cookie },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const location = new URL(response.headers.get("location") ?? "");
  return location.searchParams.get("code") ?? "";
}

/** @returns the cookie of the session */
async function logIn(api: string, credentials: typeof user): Promise<string> {
  const { headers } = await send("POST", `${api}/auth/`, credentials);
  return headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** @throws {Error} the status is not 200 */
async function send(method: string, url: string, body: object, cookie = ""): Promise<Response> {
  const headers = { "content-type": "application/json", cookie };
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { method, headers, body: JSON.stringify(body), signal });
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  return response;
}
