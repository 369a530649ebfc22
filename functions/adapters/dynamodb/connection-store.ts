import type { ConnectionStore } from "../../domain/ports/connection-store.ts";
import { commitTokenSet } from "./connection-commit.ts";
import { postpone, recordFailure } from "./connection-failure.ts";
import { acquireLease, releaseLease, scheduleTakeOver } from "./connection-lease.ts";
import { read } from "./connection-update.ts";
import type { DynamoDbTable } from "./table-requests.ts";

/** Connections in a DynamoDB table, one item each. Its conditions: connection-conditions.ts. */
export const dynamoDbConnectionStore = (table: DynamoDbTable): ConnectionStore => ({
  read: (key) => read(table, key),
  acquireLease: (request) => acquireLease(table, request),
  scheduleTakeOver: (key, takeOver) => scheduleTakeOver(table, key, takeOver),
  commit: (commit, committer) => commitTokenSet(table, commit, committer),
  recordFailure: (record) => recordFailure(table, record),
  releaseLease: (key, leaseId) => releaseLease(table, key, leaseId),
  postpone: (record) => postpone(table, record),
});
