import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "./admin-cli.ts";

/** `npm start` in a process of its own, on a free port. */
export interface LocalService {
  /** The variables that the env file exports: `API_URL`, `API_KEY`, table names, endpoints and so on. */
  readonly environment: Readonly<Record<string, string>>;
  readonly envFile: string;
  /** Everything that it has printed so far. */
  output(): string;
  /** Calls the API with the seeded key, unless `headers` has another one. */
  refresh(
    connectionId: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<ApiResponse>;
  /**
   * Forces a refresh, and repeats the call for as long as it gets the outcome of an earlier one: a connection
   * is refreshed by force once a second at the most.
   */
  refreshAgain(connectionId: string): Promise<ApiResponse>;
  /**
   * Runs a command of the CLI with the env file's environment.
   * @returns its stdout
   * @throws {Error} with its stderr
   */
  admin(args: string, stdin?: string): Promise<string>;
  /** The output of `connections show --json` for a connection of the demo's workspace. */
  show(connectionId: string): Promise<Readonly<Record<string, unknown>>>;
  /** Ends it with a signal. @default "SIGTERM" */
  stop(signal?: NodeJS.Signals): Promise<ProcessEnd>;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const projectDirectory = resolve(__dirname, "../..");

/** The environment of this process: a command of the CLI replaces `process.env` while it runs. */
const inherited = {
  ...process.env,
  // The processes run the same modules. All but the first find them compiled.
  NODE_COMPILE_CACHE: join(projectDirectory, "node_modules/.cache/compiled"),
};

/**
 * Starts the service and waits until it is ready.
 * @param environment variables in addition to those of this process, `DATA_DIR` for instance; undefined: unset
 * @throws {Error} with its output, if it ends instead
 */
export async function startLocalService(
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<LocalService> {
  const directory = mkdtempSync(join(tmpdir(), "local-service-"));
  const envFile = environment.LOCAL_ENV_FILE ?? join(directory, "env");
  const child = spawnLocalService({
    ...{ PORT: "0", LOCAL_ENV_FILE: envFile },
    // Only tests of the schedule switch it on.
    SCHEDULE: "off",
    ...environment,
  });
  const ended = endOf(child.process);
  ended.finally(() => rmSync(directory, { recursive: true, force: true }));
  const end = await Promise.race([child.ready, ended]);
  if (end !== undefined) throw new Error(`the service ended: ${JSON.stringify(end)}`);
  const exported = readEnvFile(envFile);
  const runAdmin = (args: string, stdin?: string) =>
    admin({ ...environment, ...exported }, args, stdin);
  return {
    environment: exported,
    envFile,
    output: child.output,
    refresh: (connectionId, body, headers) => refresh(exported, connectionId, body, headers),
    refreshAgain: (connectionId) => refreshAgain(exported, connectionId),
    admin: runAdmin,
    show: async (connectionId) =>
      JSON.parse(await runAdmin(`connections show ${connectionId} --workspace wsp_demo --json`)),
    stop: (signal = "SIGTERM") => {
      child.process.kill(signal);
      return ended;
    },
  };
}

async function refresh(
  { API_URL, API_KEY }: LocalService["environment"],
  connectionId: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<ApiResponse> {
  const response = await fetch(`${API_URL}/api/v1/oauth/refresh/${connectionId}`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${API_KEY}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const content = (await response.json()) as ApiResponse["body"];
  return { status: response.status, headers: response.headers, body: content };
}

async function refreshAgain(
  environment: LocalService["environment"],
  connectionId: string,
): Promise<ApiResponse> {
  for (;;) {
    const response = await refresh(environment, connectionId, { force: true });
    if (response.headers.get("X-Refresh-Outcome") !== "coalesced") return response;
    await sleep(100);
  }
}

async function admin(
  environment: Readonly<Record<string, string | undefined>>,
  args: string,
  stdin?: string,
): Promise<string> {
  const result = await runCommand(args.split(" "), { ...inherited, ...environment }, stdin);
  if (result.exitCode !== 0) throw new Error(`admin ${args}: ${result.stderr}`);
  return result.stdout;
}

/** Runs a service that cannot start, until it ends. */
export const runLocalService = (
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ProcessEnd> => endOf(spawnLocalService(environment).process);

function spawnLocalService(environment: Readonly<Record<string, string | undefined>>) {
  const child = spawn(process.execPath, ["bin/local.ts"], {
    cwd: projectDirectory,
    env: { ...inherited, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ready = new Promise<void>((resolveReady) => {
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (/^ready/m.test(output)) resolveReady();
    });
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  return { process: child, ready, output: () => output };
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  const printed = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => {
    printed.stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    printed.stderr += chunk;
  });
  return new Promise((resolveEnd, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolveEnd({ code, signal, ...printed }));
  });
}

function readEnvFile(path: string): Record<string, string> {
  const exported = readFileSync(path, "utf8").matchAll(/^export (\w+)='(.*)'$/gm);
  return Object.fromEntries([...exported].map(([, name = "", value = ""]) => [name, value]));
}
