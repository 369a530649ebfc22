import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { bundling } from "../lib/bundling.ts";

/** A bundled function, as it is deployed. */
export interface Subject {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** Loads it into this process; its environment has to be set. */
  load(): (event: unknown, context: unknown) => Promise<{ statusCode: number; body: string }>;
}

export interface Bundles {
  readonly directory: string;
  bundle(name: string, entryPoint: string): Subject;
  remove(): void;
}

/** Bundles with the options of the deployment, into a directory of its own. */
export function bundles(): Bundles {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const require = createRequire(join(directory, "index.cjs"));
  return {
    directory,
    bundle(name, entryPoint) {
      const path = join(directory, `${name}.cjs`);
      const { sourceMap, mainFields, ...options } = bundling;
      buildSync({
        ...options,
        sourcemap: sourceMap,
        mainFields: [...mainFields],
        entryPoints: [entryPoint],
        outfile: path,
        bundle: true,
        platform: "node",
        logLevel: "error",
      });
      return {
        name,
        path,
        bytes: statSync(path).size,
        gzippedBytes: gzipSync(readFileSync(path)).length,
        load: () => require(path).handler,
      };
    },
    remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }),
  };
}
