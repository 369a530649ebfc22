import { readFileSync } from "node:fs";
import { join } from "node:path";
import { refreshErrors } from "../../functions/domain/model/errors.ts";

const document = readFileSync(join(__dirname, "../../docs/api.md"), "utf8");
const rows = document.split("\n").filter((line) => line.startsWith("| "));

test.each(Object.entries(refreshErrors))(
  "docs/api.md lists %s with its status",
  (code, { status }) => {
    const [row = ""] = rows.filter((line) => line.includes(`\`${code}\``));
    expect(row.split("|")[1]).toContain(`${status}`);
  },
);
