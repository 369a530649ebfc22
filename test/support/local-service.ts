import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runCommand } from "./admin-cli.ts";

/** `npm start` in a process of its own, on a free port. */
export interface LocalService {
  /** What the env file exports: `API_URL`, `API_KEY`, table names, endpoints and so on. */
  readonly environment: Readonly<Record<string, string>>;
  readonly envFile: string;
  /** All that it has printed. */
  output(): string;
  /** As any caller: with the seeded key, unless the headers say otherwise. */
  refresh(connectionId: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  /**
   * Runs a command of the CLI with the env file's environment.
   * @returns what it printed on stdout
   * @throws {Error} with what it printed on stderr
   */
  admin(args: string, stdin?: string): Promise<string>;
  /** Ends it with a signal. @default "SIGTERM" */
  stop(signal?: NodeJS.Signals): Promise<ProcessEnd>;
}

export interface Answer {
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

/** Of this process. A command of the CLI replaces `process.env` while it runs. */
const inherited = {
  ...process.env,
  // Processes compile the same modules: all but the first find them compiled.
  NODE_COMPILE_CACHE: join(projectDirectory, "node_modules/.cache/compiled"),
};

/**
 * Starts the service and waits until it is ready.
 * @param environment beside the present one, e.g. `DATA_DIR`, `LOG_LEVEL`; undefined: unset
 * @throws {Error} with what it printed, if it ends instead
 */
export async function startLocalService(
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<LocalService> {
  const directory = mkdtempSync(join(tmpdir(), "local-service-"));
  const envFile = environment.LOCAL_ENV_FILE ?? join(directory, "env");
  const child = spawnLocalService({
    ...{ PORT: "0", LOCAL_ENV_FILE: envFile },
    // It stays out of tests that do not ask for it.
    SCHEDULE: "off",
    ...environment,
  });
  const ended = endOf(child.process);
  ended.finally(() => rmSync(directory, { recursive: true, force: true }));
  const end = await Promise.race([child.ready, ended]);
  if (end !== undefined) throw new Error(`it ended instead: ${JSON.stringify(end)}`);
  const exported = readEnvFile(envFile);
  return {
    environment: exported,
    envFile,
    output: child.output,
    refresh: (connectionId, body, headers) => refresh(exported, connectionId, body, headers),
    admin: (args, stdin) => admin({ ...environment, ...exported }, args, stdin),
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
): Promise<Answer> {
  const response = await fetch(`${API_URL}/api/v1/oauth/refresh/${connectionId}`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${API_KEY}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Answer["body"];
  return { status: response.status, headers: response.headers, body: answer };
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

/** Runs it until it ends by itself, which it does where it cannot start. */
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
