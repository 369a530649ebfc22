import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(__dirname, "../..");
const adapters = join(root, "functions/adapters");
const files = readdirSync(adapters, { recursive: true, encoding: "utf8" });

/** The places in the first column of the tables: `file`: `function`, `function`; `file`: `function`. */
const places = readFileSync(join(root, "docs/mutation.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .flatMap((row) => row.split("|")[1]?.split(";") ?? [])
  .map((place) => Array.from(place.matchAll(/`([\w-]+)`/g), ([, name = ""]) => name));

test.each(places)("docs/mutation.md: %s has the functions that it names", (file, ...functions) => {
  const [path = ""] = files.filter((name) => basename(name) === `${file}.ts`);
  const source = path === "" ? "" : readFileSync(join(adapters, path), "utf8");
  expect(functions.filter((name) => !new RegExp(`\\b${name}\\b`).test(source))).toEqual([]);
});
