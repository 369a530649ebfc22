import fs, {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDurableMap } from "../../../bin/local/durable-map.ts";

describe("a durable map", () => {
  let directory: string;
  let path: string;
  const stale = new Set<number>();
  const open = () => openDurableMap<number>({ path, isStale: (value) => stale.has(value) });
  const entries = () => [...open().entries()];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "durable-map-"));
    path = join(directory, "state", "map.jsonl");
    stale.clear();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("without a file keeps its entries in memory", () => {
    const map = openDurableMap<number>({ isStale: () => false });
    map.set("a", 1);
    map.delete("b");
    expect(map.get("a")).toBe(1);
    map.close();
  });

  test("stores every change at once, so that a killed process loses none", () => {
    const map = open();
    map.set("a", 1);
    map.set("b", 2);
    map.set("a", 3);
    map.delete("b");
    expect(entries()).toEqual([["a", 3]]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("ignores a last line that was cut off, and continues after it", () => {
    open().set("a", 1);
    appendFileSync(path, '["b",');
    const map = open();
    map.set("c", 3);
    expect(entries()).toEqual([
      ["a", 1],
      ["c", 3],
    ]);
  });

  test("leaves out stale entries when it rewrites its file", () => {
    const map = open();
    map.set("old", 1);
    map.set("new", 2);
    stale.add(1);
    expect(entries()).toEqual([["new", 2]]);
    expect(readFileSync(path, "utf8")).toBe('["new",2]\n');
  });

  test("rewrites its file before it grows too large", () => {
    const map = open();
    for (let i = 0; i < 20_000; i++) map.set("a", i);
    expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(10_000);
    expect(entries()).toEqual([["a", 19_999]]);
  });

  describe("on a full disk", () => {
    const lines: string[] = [];
    let isFull = false;
    beforeEach(() => {
      lines.length = 0;
      isFull = true;
      jest.spyOn(console, "error").mockImplementation((line) => lines.push(line));
      const write = fs.writeFileSync;
      jest.spyOn(fs, "writeFileSync").mockImplementation((file, content) => {
        if (!isFull) return write(file, content);
        // A disk fills up in the middle of a line.
        write(file, String(content).slice(0, 3));
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      });
    });
    afterEach(() => jest.restoreAllMocks());

    const opened = (outlivesFailedWrites: boolean) => {
      isFull = false;
      const map = openDurableMap<number>({ path, isStale: () => false, outlivesFailedWrites });
      isFull = true;
      return map;
    };

    test("a change is kept in memory, logged with the file's name, and written with the next one", () => {
      const map = opened(true);
      map.set("a", 1);
      expect(map.get("a")).toBe(1);
      expect(lines).toEqual([expect.stringContaining(`cannot write ${path} (ENOSPC)`)]);
      map.set("b", 2);
      isFull = false;
      map.set("c", 3);
      expect(entries()).toEqual([
        ["a", 1],
        ["b", 2],
        ["c", 3],
      ]);
    });

    test("a change that has to be durable throws, and is kept as well", () => {
      const map = opened(false);
      expect(() => map.set("a", 1)).toThrow("no space left");
      expect(() => map.set("b", 2)).toThrow("no space left");
      expect(map.get("a")).toBe(1);
      isFull = false;
      map.close();
      expect(entries()).toEqual([
        ["a", 1],
        ["b", 2],
      ]);
    });
  });

  test.each(["not JSON\n", '{"a":1}\n', '[1,"a"]\n'])(
    "rejects a file that another program wrote, and names it: %j",
    (text) => {
      open().close();
      writeFileSync(path, text);
      expect(open).toThrow(`${path} was not written by this service`);
      expect(open).not.toThrow(text.trim());
    },
  );
});
