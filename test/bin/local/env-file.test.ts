import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeEnvFile } from "../../../bin/local/env-file.ts";

describe("the env file", () => {
  let path: string;
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), "env-file-")), ".local", "env");
  });
  afterEach(() => rmSync(dirname(dirname(path)), { recursive: true }));

  test("gives a shell every value unchanged", () => {
    const value = `it's "$HOME" \\ \`date\` & more`;
    writeEnvFile(path, { PLAIN: "a", ODD: value }, ["AWS_PROFILE"]);
    const script = `. "$1"; printf '%s|%s|%s' "$PLAIN" "$ODD" "\${AWS_PROFILE-unset}"`;
    const env = { AWS_PROFILE: "someone" };
    const printed = execFileSync("sh", ["-c", script, "sh", path], { env, encoding: "utf8" });
    expect(printed).toBe(`a|${value}|unset`);
  });

  test("is readable by its owner alone, as is its directory", () => {
    writeEnvFile(path, { A: "a" }, []);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  test("is removed once, unless another process has written it meanwhile", () => {
    const first = writeEnvFile(path, { A: "a" }, []);
    first.remove();
    expect(existsSync(path)).toBe(false);
    first.remove();

    writeFileSync(path, "export A='another'\n");
    first.remove();
    expect(existsSync(path)).toBe(true);
  });
});
