import type { Minute } from "./observations.ts";

interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

interface Panel {
  readonly title: string;
  readonly top: number;
  readonly lines: readonly Line[];
}

const width = 960;
const panelHeight = 190;
const [left, right] = [70, 20];
const plotWidth = width - left - right;
const minutesPerPoint = 5;

/** The points of a chart, one for every five minutes. */
export interface ChartFigures {
  readonly title: string;
  readonly hours: number;
  /** Connections a second. */
  readonly due: readonly number[];
  /** Connections a second. */
  readonly refreshed: readonly number[];
  /** Connections whose token has expired, at the most. */
  readonly late: readonly number[];
}

export function chartFigures(title: string, minutes: readonly Minute[]): ChartFigures {
  const perSecond = (of: (minute: Minute) => number) =>
    points(minutes, (some) => rounded(mean(some.map(of)) / 60));
  return {
    title,
    hours: minutes.length / 60,
    due: perSecond(({ due }) => due),
    refreshed: perSecond(({ refreshed }) => refreshed),
    late: points(minutes, (some) => Math.max(...some.map(({ expired }) => expired))),
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Due, refreshed and late connections over time, as an SVG for light and for dark backgrounds. */
export function drawChart({ title, hours, due, refreshed, late }: ChartFigures): string {
  const panels: readonly Panel[] = [
    {
      title: "connections a second",
      top: 60,
      lines: [
        { name: "due", values: due },
        { name: "refreshed", values: refreshed },
      ],
    },
    {
      title: "connections whose token has expired",
      top: 60 + panelHeight + 60,
      lines: [{ name: "late", values: late }],
    },
  ];
  const height = 60 + 2 * (panelHeight + 60);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}"/>
<text class="title" x="${left}" y="24">${title}</text>
${panels.map((panel) => panelOf(panel, hours)).join("\n")}
</svg>
`;
}

const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.ground { fill: #ffffff; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.line { fill: none; stroke-width: 1.6; }
.due { stroke: #9a6700; }
.refreshed { stroke: #0969da; }
.late { stroke: #cf222e; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.ground { fill: #0d1117; }
.grid { stroke: #30363d; }
.due { stroke: #d29922; }
.refreshed { stroke: #58a6ff; }
.late { stroke: #ff7b72; }
}
`;

function panelOf({ title, top, lines }: Panel, hours: number): string {
  const maximum = niceMaximum(Math.max(1, ...lines.flatMap(({ values }) => values)));
  const bottom = top + panelHeight;
  const y = (value: number) => bottom - (value / maximum) * panelHeight;
  const x = (hour: number) => left + (hour / hours) * plotWidth;
  const levels = [0, 0.25, 0.5, 0.75, 1].map((part) => part * maximum);
  const hourStep = hours > 12 ? 2 : 1;
  const marks = Array.from({ length: Math.floor(hours / hourStep) + 1 }, (_, i) => i * hourStep);
  const grid = levels.map(
    (level) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(level)}" y2="${y(level)}"/>` +
      `<text x="${left - 8}" y="${y(level) + 4}" text-anchor="end">${short(level)}</text>`,
  );
  const hourLabels = marks.map(
    (hour) => `<text x="${x(hour)}" y="${bottom + 18}" text-anchor="middle">${hour}</text>`,
  );
  const curves = lines.map(({ name, values }) => {
    const path = values.map((value, i) => {
      const at = x(((i + 0.5) * minutesPerPoint) / 60);
      return `${at.toFixed(1)},${y(value).toFixed(1)}`;
    });
    return `<polyline class="line ${name}" points="${path.join(" ")}"/>`;
  });
  const legend = lines.map(
    ({ name }, i) =>
      `<line class="line ${name}" x1="${width - right - 190 + i * 100}" x2="${width - right - 166 + i * 100}" y1="${top - 14}" y2="${top - 14}"/>` +
      `<text x="${width - right - 160 + i * 100}" y="${top - 10}">${name}</text>`,
  );
  return [
    `<text x="${left}" y="${top - 10}">${title}</text>`,
    ...grid,
    ...hourLabels,
    `<text x="${width - right}" y="${bottom + 36}" text-anchor="end">hours</text>`,
    ...curves,
    ...legend,
  ].join("\n");
}

/** Returns one value for every five minutes. */
function points(
  minutes: readonly Minute[],
  of: (some: readonly Minute[]) => number,
): readonly number[] {
  return Array.from({ length: Math.ceil(minutes.length / minutesPerPoint) }, (_, i) =>
    of(minutes.slice(i * minutesPerPoint, (i + 1) * minutesPerPoint)),
  );
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Returns the value rounded up to 1, 2, 4, 8 or 10 times a power of ten. */
function niceMaximum(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 8, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : `${Math.round(value * 100) / 100}`;
}
