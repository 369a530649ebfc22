import jestConfig from "./jest.config.js";

/** The tests that state what an answer means; those of ten thousand cases take too long for each mutant. */
export default {
  ...jestConfig,
  testMatch: [
    "<rootDir>/test/adapters/oauth-token-grant.test.ts",
    "<rootDir>/test/adapters/provider-{answers,vocabulary}.test.ts",
    "<rootDir>/test/adapters/token-*.test.ts",
  ],
  testPathIgnorePatterns: ["\\.properties\\.test\\.ts$"],
};
