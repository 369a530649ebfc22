import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/* The documents name files and commands of this repository, and link to each other: all of it has to be there. */

const root = join(__dirname, "../..");
const folders = ["functions", "lib", "bin", "bench", "test", "docs"];
const files = [
  ...readdirSync(root),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(folder, name),
    ),
  ),
];
const fileNames = new Set(files.map((file) => basename(file)));
const documents = files.filter((name) => /^(?:[A-Z]+|docs\/.+)\.md$/.test(name));

const textOf = (name: string): string => readFileSync(join(root, name), "utf8");

const matchesIn = (text: string, pattern: RegExp): readonly string[] =>
  Array.from(text.matchAll(pattern), ([, match = ""]) => match);

/** The anchors of headings, as GitHub forms them, and of elements with an id. */
function anchorsIn(document: string): readonly string[] {
  const headings = matchesIn(textOf(document), /^#+ (.+)$/gm);
  const slugs = headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return [...slugs, ...matchesIn(textOf(document), /<a id="([^"]+)">/g)];
}

function isBroken(document: string, link: string): boolean {
  if (/^https?:/.test(link)) return false;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(root, target))) return true;
  return anchor !== undefined && !anchorsIn(target).includes(anchor);
}

/** A path from the root, or the name of a file in any folder. */
const isThere = (path: string): boolean =>
  path.includes("/") ? existsSync(join(root, path)) : fileNames.has(path);

test.each(documents)("%s links to documents and sections that exist", (name) => {
  const links = matchesIn(textOf(name), /\]\(([^)\s]+)\)/g);
  expect(links.filter((link) => isBroken(name, link))).toEqual([]);
});

test.each(documents)("%s names files and folders that exist", (name) => {
  const text = textOf(name);
  const paths = [
    ...matchesIn(text, new RegExp(`\`((?:${folders.join("|")})/[\\w./-]*)\``, "g")),
    // Text of a link that leads elsewhere may name a file of another repository.
    ...matchesIn(text, /(?<!\[)`([\w-]+(?:\.[\w-]+)*\.(?:ts|js|cjs|mjs|md))`/g),
  ];
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});

test.each(documents)("%s names npm scripts that exist", (name) => {
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
  const named = matchesIn(textOf(name), /\bnpm run (?:-s )?([\w:]+)/g);
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});

/** The folders in a tree: one that stands alone on its line is the parent of those that are indented below it. */
function drawnFolders(tree: string): readonly string[] {
  const parents: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent = "", names = ""] = /^( *)((?:[\w-]+\/ ?)+)/.exec(line) ?? [];
    const depth = indent.length / 2;
    const folders = names.split(" ").filter((name) => name !== "");
    if (folders.length === 1) parents.splice(depth, Number.POSITIVE_INFINITY, ...folders);
    return folders.map((folder) => join(...parents.slice(0, depth), folder));
  });
}

test("CONTRIBUTING.md draws the folders that there are", () => {
  const [, tree = ""] = textOf("CONTRIBUTING.md").split("```");
  const drawn = drawnFolders(tree);
  expect(drawn).toContain("functions/adapters/issuer-metadata/");
  expect(drawn.filter((folder) => !existsSync(join(root, folder)))).toEqual([]);
});

const records = documents.filter((name) => name.startsWith("docs/decisions/"));

test.each(records)("%s states its date and its status", (name) => {
  expect(textOf(name)).toMatch(
    /^# \d+\. .+\n\nDate: \d{4}-\d\d-\d\d\. Status: (?:Accepted|Amended|Replaced)/,
  );
});
