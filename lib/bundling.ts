/**
 * The options with which esbuild bundles a function into one file. They are plain data, so that the stack deploys
 * what the benchmarks measure. The bundle holds the AWS SDK in the version of the lock file.
 *
 * The source map lies beside the bundle and is not loaded: `--enable-source-maps` would parse it in every cold start,
 * which then takes a third longer. A minified stack trace still has its names. To see its lines, set
 * `NODE_OPTIONS=--enable-source-maps` on the function for a while.
 *
 * The bundle ships no V8 compile cache. Node.js looks for one in a directory named after its exact version, the
 * architecture, the CPU's features and the user id. Lambda chooses all of these and changes the version by itself, so
 * that a cache from another machine is never found.
 * https://nodejs.org/api/v8.html#v8cacheddataversiontag
 */
export const bundling = {
  format: "cjs",
  target: "node24",
  minify: true,
  keepNames: true,
  sourceMap: true,
  sourcesContent: false,
  /** The SDK's ES modules come first: esbuild drops their unused parts, 40 % of the bundle. */
  mainFields: ["module", "main"],
} as const;
