import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/* The documents name files of this repository and link to each other: both have to be there. */

const root = join(__dirname, "../..");
const documents = [
  ...["README.md", "CONTRIBUTING.md"],
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  ...readdirSync(join(root, "docs/decisions")).map((name) => `docs/decisions/${name}`),
].filter((name) => name.endsWith(".md"));

const textOf = (name: string): string => readFileSync(join(root, name), "utf8");

test.each(documents)("%s links to documents that exist", (name) => {
  const links = Array.from(
    textOf(name).matchAll(/\]\(([^)#\s]+)[^)]*\)/g),
    ([, link = ""]) => link,
  );
  const broken = links.filter(
    (link) => !/^https?:/.test(link) && !existsSync(join(root, dirname(name), link)),
  );
  expect(broken).toEqual([]);
});

test.each(documents)("%s names files that exist", (name) => {
  const paths = Array.from(
    textOf(name).matchAll(/`((?:functions|lib|bin|test|bench|docs)\/[\w./-]+)`/g),
    ([, path = ""]) => path,
  );
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

const records = documents.filter((name) => name.startsWith("docs/decisions/"));

test.each(records)("%s states its date and its status", (name) => {
  expect(textOf(name)).toMatch(
    /^# \d+\. .+\n\nDate: \d{4}-\d\d-\d\d\. Status: (?:Accepted|Amended|Replaced)/,
  );
});
