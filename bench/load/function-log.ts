/** The log of the functions: the number of lines by code, and the connections of some codes. */
export interface Logged {
  readonly lines: Readonly<Record<string, number>>;
  /** Adds a line. Ignores a line that is not a function's log line. */
  readonly add: (line: string) => void;
  connections(code: string): ReadonlySet<string>;
}

/** The codes whose connections are kept. The other codes have too many lines. */
const remembered = ["commit.rescued", "commit.last_resort", "commit.superseded"];

export function functionLog(): Logged {
  const lines: Record<string, number> = {};
  const connections = new Map(remembered.map((code) => [code, new Set<string>()]));
  return {
    lines,
    add: (line) => {
      const code = /"code":"(\w+\.\w+)"/.exec(line)?.[1];
      if (code === undefined) return;
      lines[code] = (lines[code] ?? 0) + 1;
      const connectionId = /"connection_id":"([^"]+)"/.exec(line)?.[1];
      if (connectionId !== undefined) connections.get(code)?.add(connectionId);
    },
    connections: (code) => connections.get(code) ?? new Set(),
  };
}
