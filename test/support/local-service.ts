import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** `npm start` in a process of its own, on a free port. */
export interface LocalService {
  /** What the env file exports: `API_URL`, `API_KEY`, table names, endpoints and so on. */
  readonly environment: Readonly<Record<string, string>>;
  readonly envFile: string;
  /** All that it has printed. */
  output(): string;
  /** Ends it with a signal. @default "SIGTERM" */
  stop(signal?: NodeJS.Signals): Promise<ProcessEnd>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const projectDirectory = resolve(__dirname, "../..");

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
  const child = spawnLocalService({ PORT: "0", LOCAL_ENV_FILE: envFile, ...environment });
  const ended = endOf(child.process);
  ended.finally(() => rmSync(directory, { recursive: true, force: true }));
  const end = await Promise.race([child.ready, ended]);
  if (end !== undefined) throw new Error(`it ended instead: ${JSON.stringify(end)}`);
  return {
    environment: readEnvFile(envFile),
    envFile,
    output: child.output,
    stop: (signal = "SIGTERM") => {
      child.process.kill(signal);
      return ended;
    },
  };
}

/** Runs it until it ends by itself, which it does where it cannot start. */
export const runLocalService = (
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ProcessEnd> => endOf(spawnLocalService(environment).process);

function spawnLocalService(environment: Readonly<Record<string, string | undefined>>) {
  const child = spawn(process.execPath, ["bin/local.ts"], {
    cwd: projectDirectory,
    env: { ...process.env, ...environment },
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
