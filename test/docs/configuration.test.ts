import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withSettingsTable } from "../../bin/docs/settings-table.ts";

test("docs/configuration.md lists the settings as they are declared: npm run docs:settings", () => {
  const document = readFileSync(join(__dirname, "../../docs/configuration.md"), "utf8");
  expect(document).toBe(withSettingsTable(document));
});

test("a document without markers is an error that names them", () => {
  expect(() => withSettingsTable("# Configuration\n")).toThrow("<!-- settings: ");
});
