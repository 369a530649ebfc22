import "./bin/node-version.cjs";
import { availableParallelism } from "node:os";

/** Jest runs the sources as CommonJS; packages that are published as ESM alone are transformed. */
export default {
  testEnvironment: "node",
  // Many suites wait for processes of their own, and a core would idle meanwhile.
  maxWorkers: availableParallelism() + 1,
  // A worker that has synthesised stacks keeps the memory of each.
  workerIdleMemoryLimit: "1GB",
  testSequencer: "<rootDir>/jest.sequencer.js",
  // Ends a test that hangs. It is long enough for a machine that is busy with other work.
  testTimeout: 300_000,
  // The limit for `test.concurrent` in one file. Those tests wait more than they compute.
  maxConcurrency: 10,
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  modulePathIgnorePatterns: ["<rootDir>/.stryker/"],
  moduleNameMapper: {
    "^@middy/([^/]+)$": "<rootDir>/node_modules/@middy/$1/index.js",
  },
  transform: {
    "^.+\\.[mc]?[tj]s$": [
      "@swc/jest",
      {
        jsc: { target: "es2022", parser: { syntax: "typescript" } },
        module: { type: "commonjs" },
      },
    ],
  },
  transformIgnorePatterns: [
    "/node_modules/(?!(@middy|oauth4webapi|jose|oidc-provider|oauth2-mock-server|basic-auth)/)",
  ],
};
