import jestConfig from "./jest.config.js";

/** The tests that state what an answer means; those of ten thousand cases take too long for each mutant. */
export default {
  ...jestConfig,
  testMatch: ["<rootDir>/test/adapters/token-endpoint/**/*.test.ts"],
  testPathIgnorePatterns: [
    "\\.properties\\.test\\.ts$",
    "/request/",
    "/(dpop|glewlwyd|other-servers)\\.test\\.ts$",
  ],
};
