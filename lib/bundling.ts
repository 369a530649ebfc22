/**
 * How a function becomes one file, as plain data: the stack deploys what the benchmarks measure. The
 * AWS SDK is in the bundle, at the version of the lock file.
 *
 * The source map lies beside the bundle and is not loaded: `--enable-source-maps` would parse it in
 * every cold start, a third longer. A minified stack still has its names, and
 * `NODE_OPTIONS=--enable-source-maps`, set on the function for as long as it takes, its lines.
 *
 * No V8 compile cache lies beside it. Node.js takes one from a directory that is named after its exact
 * version, the architecture, the CPU's features and the user id; Lambda chooses each of them, and
 * changes the first by itself, so that a cache of another machine's making is never looked at.
 * https://nodejs.org/api/v8.html#v8cacheddataversiontag
 */
export const bundling = {
  format: "cjs",
  target: "node24",
  minify: true,
  keepNames: true,
  sourceMap: true,
  sourcesContent: false,
  /** The SDK's ES modules: what is not used falls away, 40 % of the whole. */
  mainFields: ["module", "main"],
} as const;
