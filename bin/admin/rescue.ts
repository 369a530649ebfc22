import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import { dynamoDbConnectionStore } from "../../functions/adapters/dynamodb/connection-store.ts";
import {
  InvalidRescueRecord,
  parseRescueRecord,
} from "../../functions/adapters/rescue/rescue-record.ts";
import { StoreUnavailable } from "../../functions/domain/model/errors.ts";
import type { ConnectionStore } from "../../functions/domain/ports/connection-store.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { findRecords, type LogRecord } from "./log-records.ts";
import { type OutputOptions, printAll, type Row } from "./output.ts";
import { readText } from "./secret-input.ts";

/** Commits the token sets that only the log holds. */
export const rescueCommand = (io: AdminIo): Command =>
  new Command("rescue")
    .description("commit the token sets that only the log holds, from log lines on stdin")
    .option("--json", "print JSON")
    .addHelpText("after", help)
    .action((options: OutputOptions) => rescue(io, options));

const help = `
A record is committed if the connection still has the credentials that were refreshed. A repeated record is committed
once. All other lines are ignored.

Examples:
  aws logs tail <log group of the API function> --since 1d | npm run admin -- rescue
  aws logs filter-log-events --log-group-name <group> --filter-pattern commit.last_resort | npm run admin -- rescue`;

async function rescue(io: AdminIo, options: OutputOptions): Promise<void> {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(io.environment, "CONNECTIONS_TABLE");
  const store = dynamoDbConnectionStore({ client: dynamoDbClient(), tableName });
  const records = findRecords(await readText(io, "log", 256));
  const outcomes: Rescue[] = [];
  // The order of the log matters for two records of one connection.
  for (const record of records) outcomes.push(await commit(store, record));
  printAll(
    io,
    options,
    outcomes.map(rowOf),
    "no records found: no line has the code commit.last_resort",
  );
  const failed = outcomes.filter((outcome) => outcome.outcome === "failed").length;
  if (failed > 0)
    throw new CommandFailed(
      `${failed} of ${outcomes.length} records were not committed. Their reasons are above`,
    );
}

interface Rescue {
  readonly connectionId?: string;
  readonly workspaceId?: string;
  readonly outcome: "committed" | "already_committed" | "superseded" | "failed";
  readonly reason?: string;
}

async function commit(store: ConnectionStore, record: LogRecord): Promise<Rescue> {
  if (record.kind === "fragment") return { outcome: "failed", reason: "the line was cut off" };
  try {
    const tokens = parseRescueRecord(record.members);
    const { connectionId, workspaceId } = tokens;
    const written = await store.commit(tokens);
    switch (written.kind) {
      case "done":
        return { connectionId, workspaceId, outcome: "committed" };
      case "absent":
        return { connectionId, workspaceId, outcome: "failed", reason: "no such connection" };
      case "superseded": {
        const isThere = written.connection.credentials === tokens.credentials;
        const outcome = isThere ? "already_committed" : "superseded";
        return { connectionId, workspaceId, outcome };
      }
    }
  } catch (error) {
    if (error instanceof InvalidRescueRecord || error instanceof StoreUnavailable) {
      return { outcome: "failed", reason: error.message };
    }
    throw error;
  }
}

const rowOf = ({ connectionId, workspaceId, outcome, reason }: Rescue): Row => ({
  connection_id: connectionId,
  workspace_id: workspaceId,
  outcome,
  reason,
});
