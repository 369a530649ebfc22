/** Mutates the code that reads a provider's response: docs/mutation.md. */
export default {
  testRunner: "jest",
  coverageAnalysis: "perTest",
  jest: { configFile: "stryker.jest.config.js" },
  mutate: [
    "functions/adapters/token-endpoint/{endpoint-url,oauth-token-endpoint}.ts",
    "functions/adapters/token-endpoint/request/{provider-request,refresh-token-request}.ts",
    "functions/adapters/token-endpoint/response/*.ts",
    "functions/adapters/http/retry-after.ts",
  ],
  // TypeScript 7 has no API by which Stryker could rewrite tsconfig.json, and nothing here needs it to.
  tsconfigFile: "none",
  concurrency: 2,
  tempDirName: ".stryker/sandboxes",
  reporters: ["progress-append-only", "clear-text", "json"],
  jsonReporter: { fileName: ".stryker/report.json" },
  incrementalFile: ".stryker/incremental.json",
  clearTextReporter: { logTests: false, reportTests: false },
  thresholds: { high: 95, low: 90, break: 90 },
};
