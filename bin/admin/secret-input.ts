import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Secret } from "../../functions/domain/model/secret.ts";
import { type AdminIo, CommandFailed } from "./io.ts";

const mebibyte = 1024 * 1024;

/**
 * Reads a secret from stdin, without the line break at its end. A terminal gets a prompt, and shows no input. An
 * argument would be in the shell's history and in the list of processes.
 *
 * @param what names the secret in messages, such as `client secret`
 * @throws {CommandFailed} the secret is empty or too large
 */
export async function readSecret(io: AdminIo, what: string): Promise<Secret> {
  const text = io.stdin.isTTY === true ? await prompt(io, what) : await readText(io, what);
  const secret = text.replace(/\r?\n$/, "");
  if (secret.trim() === "") throw new CommandFailed(`stdin holds no ${what}`);
  return new Secret(secret);
}

/** @throws {CommandFailed} the text is too large */
export async function readText(
  { stdin }: AdminIo,
  what: string,
  maximumMebibytes = 1,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > maximumMebibytes * mebibyte) {
      throw new CommandFailed(`the ${what} on stdin is larger than ${maximumMebibytes} MiB`);
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function prompt({ stdin, stderr }: AdminIo, what: string): Promise<string> {
  stderr.write(`${what} (not shown): `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return await Promise.race([lines.question(""), closed]);
  } finally {
    lines.close();
    stderr.write("\n");
  }
}
