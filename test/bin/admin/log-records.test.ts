import { findRecords } from "../../../bin/admin/log-records.ts";

const line = (members: object = {}) =>
  JSON.stringify({ level: "CRITICAL", code: "commit.last_resort", connection_id: "c", ...members });
const record = (members: object = {}) => ({
  kind: "record",
  members: { level: "CRITICAL", code: "commit.last_resort", connection_id: "c", ...members },
});

describe("records of last resort", () => {
  test("are found among other JSON lines", () => {
    const other = JSON.stringify({ code: "commit.superseded", credentials: "a.b" });
    const text = [other, line({ n: 1 }), "", "plain text {", line({ n: 2 }), ""].join("\n");
    expect(findRecords(text)).toEqual([record({ n: 1 }), record({ n: 2 })]);
  });

  test.each([
    ["aws logs tail", `2026-01-01T12:00:00.000000+00:00 2026/01/01/[$LATEST]0123 ${line()}`],
    ["an export", `2026-01-01T12:00:00.000Z ${line()}`],
    ["braces in front", `[{x] {"a":1} ${line()}`],
    ["Windows line ends", `${line()}\r`],
  ])("are found behind a prefix: %s", (_, text) => {
    expect(findRecords(`${text}\n`)).toEqual([record()]);
  });

  test.each([
    ["aws logs filter-log-events", { events: [{ message: `${line()}\n`, timestamp: 1 }] }],
    [
      "aws logs get-query-results",
      {
        results: [
          [
            { field: "@message", value: line() },
            { field: "@ptr", value: "x" },
          ],
        ],
      },
    ],
    ["a document that is the line itself", JSON.parse(line())],
  ])("are found in a JSON document: %s", (_, document) => {
    expect(findRecords(JSON.stringify(document, null, 2))).toEqual([record()]);
  });

  test("are reported when a line was cut off", () => {
    const cut = line().slice(0, -5);
    expect(findRecords(`${cut}\n${line()}`)).toEqual([{ kind: "fragment" }, record()]);
    expect(findRecords(JSON.stringify({ events: [{ message: cut }] }))).toEqual([
      { kind: "fragment" },
    ]);
  });

  test("are not found in other text", () => {
    expect(findRecords("")).toEqual([]);
    expect(findRecords("START RequestId: 1 Version: $LATEST\n{}\n[]\n1\nnull\n")).toEqual([]);
  });
});
