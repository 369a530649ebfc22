import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, resolve } from "node:path";
import { createStacks } from "../../lib/deployment.ts";
import { newApp } from "./deployed.ts";

interface AssetManifest {
  readonly files: Readonly<
    Record<string, { readonly displayName: string; readonly source: { readonly path: string } }>
  >;
}

/** The directory of each function's bundle, by the function's id. */
function bundles(outdir: string): ReadonlyMap<string, string> {
  const bundled = { "aws:cdk:bundling-stacks": ["**"] };
  const app = newApp(bundled, { outdir, builtinCloudFormationValidation: false });
  createStacks(app);
  const { directory } = app.synth();
  const manifest = readFileSync(join(directory, "Service.assets.json"), "utf8");
  const { files } = JSON.parse(manifest) as AssetManifest;
  return new Map(
    Object.values(files)
      .filter(({ displayName }) => displayName.endsWith("/Code"))
      .map(({ displayName, source }) => [displayName, join(directory, source.path)]),
  );
}

describe("bundles of the functions", () => {
  // The CDK CLI writes into the project as well, and source maps name their sources relative to it.
  mkdirSync("cdk.out", { recursive: true });
  const outdir = mkdtempSync(resolve("cdk.out", "test-"));
  // On Lambda, no package.json turns the code into an ES module.
  writeFileSync(join(outdir, "package.json"), "{}");
  const directories = bundles(outdir);
  afterAll(() => rmSync(outdir, { recursive: true }));
  const bundleOf = (id: string): string => {
    const directory = directories.get(`${id}/Function/Code`);
    if (directory === undefined) throw new Error(`no bundle of ${id}`);
    return directory;
  };

  describe.each(["Refresh", "Worker", "Sweep", "Rescue", "Authorizer"])("%s", (id) => {
    it("is one file and its source map, without the sources", () => {
      expect(readdirSync(bundleOf(id))).toEqual(["index.js", "index.js.map"]);
      const map = JSON.parse(readFileSync(join(bundleOf(id), "index.js.map"), "utf8"));
      expect(map.sourcesContent).toBeUndefined();
    });

    it("contains all its dependencies, including the SDK", () => {
      const code = readFileSync(join(bundleOf(id), "index.js"), "utf8");
      const required = [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? "");
      expect(required).toContain("node:crypto");
      // The text of an SDK error for signatures in several regions. No code calls it.
      const hint = "@aws-sdk/signature-v4-crt";
      expect(required.filter((name) => !isBuiltin(name) && name !== hint)).toEqual([]);
    });

    it("contains no path of the machine that built it", () => {
      const map = readFileSync(join(bundleOf(id), "index.js.map"), "utf8");
      expect(map).not.toContain(process.cwd());
    });

    it("is a CommonJS module with a handler", () => {
      const environment = {
        ...{ AWS_REGION: "eu-west-1", AWS_LAMBDA_FUNCTION_NAME: id },
        ...{ CONNECTIONS_TABLE: "connections", COORDINATION_TABLE: "coordination" },
        ...{ SECRET_PREFIX: "prefix", KMS_KEY_ID: "key" },
        ...{ BRANCH_KEYS_TABLE: "branch-keys", STAGE: "main" },
        API_KEYS_TABLE: "api-keys",
        REFRESH_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/refreshes",
        RESCUE_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/rescues",
      };
      const printed = execFileSync(
        process.execPath,
        ["-p", "typeof require(process.argv[1]).handler", join(bundleOf(id), "index.js")],
        { encoding: "utf8", env: environment, timeout: 10_000 },
      );
      expect(printed.trim()).toBe("function");
    });
  });
});
