import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drawChart } from "../../bench/fleet/chart.ts";

const documentNamed = (name: string): string =>
  readFileSync(join(__dirname, "../../docs", name), "utf8");

test("docs/scale.svg is drawn from the figures beside it", () => {
  expect(documentNamed("scale.svg")).toBe(drawChart(JSON.parse(documentNamed("scale.json"))));
});
