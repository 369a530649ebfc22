/** What functions have logged: how often each code, and of which connections. */
export interface Logged {
  readonly lines: Readonly<Record<string, number>>;
  /** Adds a line; one that is none of a function's log counts for nothing. */
  readonly add: (line: string) => void;
  connections(code: string): ReadonlySet<string>;
}

/** Codes whose connections are asked for: too many lines are written to remember all. */
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
