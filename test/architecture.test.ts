import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/*
 * Imports point one way: lambda → runtime → {handlers, adapters} → domain. The linter holds that as an
 * allow list for each folder; this test holds the linter, with one illegal import of each kind. They
 * are written into a folder of their own, with this project's configuration.
 */

const projectDirectory = join(__dirname, "..");

/** A file of the folder that the first column names imports the second. */
const illegal: readonly (readonly [from: string, specifier: string])[] = [
  ["functions/domain", "../runtime/config.ts"],
  ["functions/domain", "../telemetry/log.ts"],
  ["functions/domain", "../handlers/api.ts"],
  ["functions/domain", "../adapters/kms/data-keys.ts"],
  ["functions/domain", "./model/../../runtime/config.ts"],
  ["functions/domain", "../../lib/settings.ts"],
  ["functions/domain", "node:fs"],
  ["functions/domain", "fs"],
  ["functions/domain", "aws-lambda"],
  ["functions/domain", "@aws-sdk/client-dynamodb"],
  ["functions/domain", "jose"],
  ["functions/domain/refresh", "../../runtime/config.ts"],
  ["functions/domain/refresh", "../../telemetry/log.ts"],
  ["functions/domain/refresh", "../../adapters/kms/data-keys.ts"],
  ["functions/domain/refresh", "node:crypto"],
  ["functions/domain/ports", "@aws-sdk/client-kms"],
  ["functions/handlers", "../runtime/api.ts"],
  ["functions/handlers", "../lambda/api.ts"],
  ["functions/handlers", "../adapters/sqs/refresh-message.ts"],
  ["functions/handlers", "../domain/refresh/permission.ts"],
  ["functions/handlers", "../../bin/admin.ts"],
  ["functions/handlers", "oauth4webapi"],
  ["functions/handlers", "@aws-sdk/client-sqs"],
  ["functions/adapters/kms", "../../handlers/api.ts"],
  ["functions/adapters/kms", "../../runtime/config.ts"],
  ["functions/adapters/kms", "../../telemetry/log.ts"],
  ["functions/adapters/kms", "../../domain/refresh.ts"],
  ["functions/adapters/kms", "../../domain/refresh/permission.ts"],
  ["functions/adapters/kms", "../../../lib/settings.ts"],
  ["functions/adapters/kms", "@middy/core"],
  ["functions/adapters/token-endpoint/request", "../../../handlers/api.ts"],
  ["functions/adapters/token-endpoint/request", "../../../telemetry/redaction.ts"],
  ["functions/adapters/token-endpoint/request", "../../../domain/sweep.ts"],
  ["functions/validation", "../handlers/faults.ts"],
  ["functions/validation", "../domain/ports/clock.ts"],
  ["functions/validation", "node:fs"],
  ["functions/telemetry", "../adapters/rescue/rescue-record.ts"],
  ["functions/telemetry", "../runtime/config.ts"],
  ["functions/telemetry", "../handlers/problem.ts"],
  ["functions/runtime", "../lambda/api.ts"],
  ["functions/runtime", "../../bin/local/service.ts"],
  ["functions/runtime", "@aws-sdk/client-dynamodb"],
  ["functions/lambda", "../adapters/aws/clients.ts"],
  ["functions/lambda", "../domain/refresh.ts"],
  ["lib", "../functions/adapters/aws/clients.ts"],
  ["lib", "../functions/handlers/api.ts"],
  ["lib", "../bin/app.ts"],
];

const legal: readonly (readonly [from: string, specifier: string])[] = [
  ["functions/domain", "./model/connection.ts"],
  ["functions/domain/refresh", "../ports/clock.ts"],
  ["functions/handlers", "../domain/refresh.ts"],
  ["functions/handlers", "../telemetry/log.ts"],
  ["functions/adapters/kms", "../../domain/ports/token-cipher.ts"],
  ["functions/adapters/kms", "../cache/lru-map.ts"],
  ["functions/adapters/kms", "@aws-sdk/client-kms"],
  ["functions/adapters/token-endpoint/request", "../../provider-catalogue/provider-entry.ts"],
  ["functions/adapters/token-endpoint/request", "../../../domain/model/secret.ts"],
  ["functions/handlers", "../validation/check.ts"],
  ["functions/adapters/kms", "../../validation/check.ts"],
  ["functions/adapters/token-endpoint/request", "../../../validation/check.ts"],
  ["functions/validation", "../domain/model/connection.ts"],
  ["functions/telemetry", "../domain/ports/events.ts"],
  ["functions/runtime", "../adapters/aws/clients.ts"],
  ["functions/lambda", "../runtime/api.ts"],
  ["lib", "../functions/runtime/config.ts"],
];

/** Every form in which a file can name another. */
const forms = {
  import: (specifier: string) => `import { a } from "${specifier}";\nexport const b = a;\n`,
  "type import": (specifier: string) =>
    `import type { A } from "${specifier}";\nexport type B = A;\n`,
  "dynamic import": (specifier: string) => `export const a = () => import("${specifier}");\n`,
  "re-export": (specifier: string) => `export * from "${specifier}";\n`,
};

interface Finding {
  readonly location: { readonly path: string };
  readonly category: string;
}

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "architecture-"));
  for (const name of ["biome.json", ".gitignore"]) {
    cpSync(join(projectDirectory, name), join(directory, name));
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

/** Lints what has been written, and returns the files in which a rule is broken. */
function filesBreaking(rule: string): readonly string[] {
  const biome = join(projectDirectory, "node_modules/.bin/biome");
  const options = ["lint", "--reporter=json", "--max-diagnostics=none", "."];
  let report: string;
  try {
    report = execFileSync(biome, options, { cwd: directory, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    report = (error as { stdout: string }).stdout;
  }
  const { diagnostics } = JSON.parse(report) as { diagnostics: Finding[] };
  const found = diagnostics.filter(({ category }) => category === `lint/${rule}`);
  return [...new Set(found.map(({ location }) => location.path))].sort();
}

const restrictedImports = "style/noRestrictedImports";

test("the linter refuses each kind of illegal import, in every form, and passes the legal ones", () => {
  const refused: string[] = [];
  illegal.forEach(([folder, specifier], number) => {
    for (const [form, text] of Object.entries(forms)) {
      const path = `${folder}/illegal-${number}-${form.replace(" ", "-")}.ts`;
      write(path, text(specifier));
      refused.push(path);
    }
  });
  legal.forEach(([folder, specifier], number) => {
    for (const [form, text] of Object.entries(forms)) {
      write(`${folder}/legal-${number}-${form.replace(" ", "-")}.ts`, text(specifier));
    }
  });
  expect(filesBreaking(restrictedImports)).toEqual(refused.sort());
});

test("the linter refuses a ring of imports, of types as well, and require()", () => {
  write(
    "functions/domain/ring-a.ts",
    'import type { B } from "./ring-b.ts";\nexport type A = B[];\n',
  );
  write(
    "functions/domain/ring-b.ts",
    'import type { A } from "./ring-a.ts";\nexport type B = A[];\n',
  );
  write("functions/domain/required.ts", 'export const a = require("node:fs");\n');
  expect(filesBreaking("suspicious/noImportCycles")).toEqual([
    "functions/domain/ring-a.ts",
    "functions/domain/ring-b.ts",
  ]);
  expect(filesBreaking("style/noCommonJs")).toEqual(["functions/domain/required.ts"]);
});
