import { readFileSync, writeFileSync } from "node:fs";
import { withSettingsTable } from "./docs/settings-table.ts";

const file = new URL("../docs/configuration.md", import.meta.url);
writeFileSync(file, withSettingsTable(readFileSync(file, "utf8")));
