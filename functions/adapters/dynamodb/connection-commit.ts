import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  type ConnectionStatus,
  leaseIsLive,
  statusAfterRefresh,
} from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type {
  CommitResult,
  Committer,
  TokenSetCommit,
} from "../../domain/ports/connection-store.ts";
import {
  instantAttribute,
  numberAttribute,
  secondAttribute,
  withoutUndefined,
} from "./attributes.ts";
import {
  leaseAttributes,
  leaseIs,
  leaseIsDead,
  leaseIsFree,
  scheduleAttributes,
  statusIs,
  statusIsNot,
  versionIs,
} from "./connection-conditions.ts";
import { credentialsAttribute, dueAttributes, failureItem } from "./connection-item.ts";
import { update } from "./connection-update.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { anyOf, type ItemUpdate, setOrRemove } from "./update-expression.ts";

/** How often an owner may change a connection's status while its tokens are committed. */
const maximumStatusChanges = 3;

export async function commitTokenSet(
  table: DynamoDbTable,
  commit: TokenSetCommit,
  committer: Committer,
): Promise<CommitResult> {
  let { status } = commit;
  for (let changes = 0; changes < maximumStatusChanges; changes++) {
    const updated = await update(table, commit, commitUpdate(commit, committer, status));
    if (updated.kind === "absent") return updated;
    if (updated.kind === "updated") return { kind: "done" };
    const { connection } = updated;
    if (connection.credentials === commit.credentials) return { kind: "done" };
    if (connection.credentialsVersion !== commit.expectedVersion) {
      return { kind: "superseded", connection };
    }
    const isMine = connection.lease?.leaseId === committer.leaseId;
    if (!isMine && leaseIsLive(connection, committer.nowMs)) return { kind: "held", connection };
    status = statusAfterRefresh(connection.status);
  }
  throw new StoreUnavailable("DynamoDB", new Error("the status of the connection keeps changing"));
}

function commitUpdate(
  commit: TokenSetCommit,
  { leaseId, nowMs }: Committer,
  status: ConnectionStatus,
): ItemUpdate {
  const { due } = commit;
  const { set, remove } = setOrRemove(changedAttributes(commit));
  return {
    set: {
      ...set,
      ...withoutUndefined<AttributeValue>({
        credentials: credentialsAttribute(commit.credentials),
        credentials_version: numberAttribute(commit.version),
        status: { S: status },
        refresh_token_expires_at: secondAttribute(commit.refreshTokenExpiresAtMs),
        refresh_token_absolute_expires_at: secondAttribute(commit.refreshTokenAbsoluteExpiresAtMs),
        updated_at: secondAttribute(commit.committedAtMs),
      }),
      ...(due && dueAttributes(due)),
    },
    remove: [...leaseAttributes, ...remove, ...(due === undefined ? scheduleAttributes : [])],
    condition: [
      versionIs(commit.expectedVersion),
      status === "active" ? statusIsNot("inactive", "testing") : statusIs(status),
      anyOf(leaseIsFree, leaseIs(leaseId), leaseIsDead(nowMs)),
    ],
  };
}

/** The attributes of the access token and of the outcome. An undefined one is removed. */
function changedAttributes({
  expiresAtMs,
  assumedExpiresAtMs,
  failure,
  committedAtMs,
}: TokenSetCommit): Readonly<Record<string, AttributeValue | undefined>> {
  const outcome =
    failure === undefined
      ? { last_refreshed_at: instantAttribute(committedAtMs), failure: undefined }
      : { failure: failureItem(failure) };
  return {
    ...outcome,
    expires_at: secondAttribute(expiresAtMs),
    assumed_expires_at: secondAttribute(assumedExpiresAtMs),
  };
}
