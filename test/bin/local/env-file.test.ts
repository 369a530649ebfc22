import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeEnvFile } from "../../../bin/local/env-file.ts";

describe("the env file", () => {
  const apiUrl = "http://127.0.0.1:3001";
  let path: string;
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), "env-file-")), ".local", "env");
  });
  afterEach(() => rmSync(dirname(dirname(path)), { recursive: true }));

  test("gives a shell every value unchanged", () => {
    const value = `it's "$HOME" \\ \`date\` & more`;
    writeEnvFile(path, apiUrl, { PLAIN: "a", ODD: value }, ["AWS_PROFILE"]);
    const script = `. "$1"; printf '%s|%s|%s' "$PLAIN" "$ODD" "\${AWS_PROFILE-unset}"`;
    const env = { AWS_PROFILE: "someone" };
    const printed = execFileSync("sh", ["-c", script, "sh", path], { env, encoding: "utf8" });
    expect(printed).toBe(`a|${value}|unset`);
  });

  test("is readable by its owner alone, as is its directory", () => {
    writeEnvFile(path, apiUrl, { A: "a" }, []);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  test("is removed once, unless another process has written it meanwhile", () => {
    const first = writeEnvFile(path, apiUrl, { A: "a" }, []);
    first.remove();
    expect(existsSync(path)).toBe(false);
    first.remove();

    writeFileSync(path, "export A='another'\n");
    first.remove();
    expect(existsSync(path)).toBe(true);
  });

  test("leaves the file of another service that runs, and takes the place of one that does not", () => {
    const other = (pid: number, url: string) =>
      writeFileSync(path, `# Removed at the end of process ${pid}\nexport API_URL='${url}'\n`);
    writeEnvFile(path, apiUrl, {}, []).remove();
    const ended = spawnSync("true").pid;

    other(process.ppid, "http://127.0.0.1:3000");
    const second = writeEnvFile(path, apiUrl, {}, []);
    expect(second.path).toBe(`${path}.3001`);
    expect(readFileSync(path, "utf8")).toContain("127.0.0.1:3000");
    second.remove();
    expect(existsSync(path)).toBe(true);
    expect(existsSync(second.path)).toBe(false);

    other(ended, "http://127.0.0.1:3000");
    expect(writeEnvFile(path, apiUrl, {}, []).path).toBe(path);
    // This process has the address, so that the other one is gone.
    other(process.ppid, apiUrl);
    expect(writeEnvFile(path, apiUrl, {}, []).path).toBe(path);
  });
});
