import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import { systemClock as clock } from "../../functions/adapters/clock/system-clock.ts";
import { dynamoDbConnectionStore } from "../../functions/adapters/dynamodb/connection-store.ts";
import {
  InvalidRescueRecord,
  parseRescueRecord,
} from "../../functions/adapters/rescue/rescue-record.ts";
import { RefreshError, StoreUnavailable } from "../../functions/domain/model/errors.ts";
import { type RescueTokens, rescueTokens } from "../../functions/domain/rescue.ts";
import { cipherFor } from "./cipher.ts";
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
  const telemetry = { emit: () => {} };
  const cipher = cipherFor(io.environment);
  const rescueOne = rescueTokens({ store, cipher, clock, telemetry, newLeaseId: randomUUID });
  const records = findRecords(await readText(io, "log", 256));
  const outcomes: Rescue[] = [];
  // The order of the log matters for two records of one connection.
  for (const record of records) outcomes.push(await commit(rescueOne, record));
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
  readonly outcome: "committed" | "superseded" | "failed";
  readonly reason?: string;
}

async function commit(rescueOne: RescueTokens, record: LogRecord): Promise<Rescue> {
  if (record.kind === "fragment") return { outcome: "failed", reason: "the line was cut off" };
  try {
    const tokens = parseRescueRecord(record.members);
    const { connectionId, workspaceId } = tokens;
    switch (await rescueOne(tokens)) {
      case "done":
        return { connectionId, workspaceId, outcome: "committed" };
      case "superseded":
        return { connectionId, workspaceId, outcome: "superseded", reason: tooLate };
      case "refused":
        return { connectionId, workspaceId, outcome: "failed", reason: notOurs };
      case "absent":
        return { connectionId, workspaceId, outcome: "failed", reason: "no such connection" };
    }
  } catch (error) {
    if (error instanceof RefreshError && error.code === "refresh_in_progress") {
      return {
        outcome: "failed",
        reason: "the connection is being refreshed. Run the command again",
      };
    }
    if (error instanceof InvalidRescueRecord || error instanceof StoreUnavailable) {
      return { outcome: "failed", reason: error.message };
    }
    throw error;
  }
}

const notOurs =
  "the credentials cannot be decrypted for this connection and version: check KMS_KEY_ID and FORMER_KMS_KEY_IDS";

const tooLate = "a newer token set has been stored meanwhile";

const rowOf = ({ connectionId, workspaceId, outcome, reason }: Rescue): Row => ({
  connection_id: connectionId,
  workspace_id: workspaceId,
  outcome,
  reason,
});
