import { type Connection, type Failure, keyOf } from "./model/connection.ts";
import { type FailureCode, isFailureCode, refreshErrors } from "./model/errors.ts";
import { type FailedRefresh, type FreshToken, refusalByStatus } from "./model/outcome.ts";
import type { Invocation } from "./ports/clock.ts";
import type { Rescheduling } from "./ports/connection-store.ts";
import type { DueConnection } from "./ports/schedule.ts";
import type { Permission, RefreshDependencies, Using } from "./refresh/dependencies.ts";
import { failureAfter } from "./refresh/failure.ts";
import { withPermission } from "./refresh/permission.ts";
import type { RefreshConnection } from "./refresh.ts";
import { dueAfterFailure, dueAfterHold, dueWhileInactive } from "./schedule/due.ts";

/**
 * The end of one message. `out_of_date`: the connection is no longer due. `postponed`: it is due later, and
 * the provider was not asked. `failed`: the failure is stored, and the connection is due again later.
 * `gone`: there is no such connection.
 */
export type ScheduledRefreshOutcome =
  | FreshToken["kind"]
  | "out_of_date"
  | "postponed"
  | "failed"
  | "gone";

/**
 * Refreshes a connection that is due. An expected failure is stored with the connection, together with the
 * time at which it is due next, and the message is done.
 *
 * @throws an unexpected error, and a store that does not respond: the message has to come again
 */
export type RefreshDue = (
  due: DueConnection,
  invocation: Invocation,
) => Promise<ScheduledRefreshOutcome>;

export interface ScheduledRefreshDependencies extends RefreshDependencies {
  readonly refreshConnection: RefreshConnection;
}

/** Connections come due in bursts, once for each sweep: a place that is soon free is worth the wait. */
const permissionTimeoutMs = 5_000;

export function refreshDue(dependencies: ScheduledRefreshDependencies): RefreshDue {
  return async (due, invocation) => {
    const { store, clock, telemetry } = dependencies;
    const connection = await store.read(keyOf(due));
    if (connection === undefined) return "gone";
    if (!isDue(connection, due, clock.nowMs())) {
      telemetry.emit({ code: "schedule.out_of_date", ...keyOf(connection) });
      return "out_of_date";
    }
    const outcome =
      refusalByStatus(connection) ??
      // Permission comes before the lease, so that a held integration costs one write, and not three.
      (await withPermission(
        dependencies,
        connection,
        { timeoutMs: permissionTimeoutMs },
        (permission) => refreshPermitted(dependencies, connection, permission, invocation),
      ));
    return outcome.kind === "failed"
      ? afterFailure(dependencies, connection, outcome)
      : outcome.kind;
  };
}

/** The sweep's clock has said that the time has come which the message names. */
const isDue = ({ refreshAtMs }: Connection, due: DueConnection, nowMs: number): boolean =>
  refreshAtMs !== undefined && (refreshAtMs <= nowMs || refreshAtMs === due.refreshAtMs);

const refreshPermitted = (
  { refreshConnection }: Pick<ScheduledRefreshDependencies, "refreshConnection">,
  connection: Connection,
  permission: Permission,
  invocation: Invocation,
): ReturnType<RefreshConnection> =>
  refreshConnection({
    ...keyOf(connection),
    // However recent, a connection that is due is refreshed, unless somebody did so since it was read.
    refreshedBeforeMs: connection.lastRefreshedAtMs ?? 0,
    isScheduled: true,
    permission,
    invocation,
  });

async function afterFailure(
  dependencies: Using<"store" | "clock" | "random" | "newLeaseId" | "telemetry">,
  connection: Connection,
  outcome: FailedRefresh,
): Promise<ScheduledRefreshOutcome> {
  const { error, followUp } = outcome;
  // The rescue is tried more often than the queue redelivers, and has to come first.
  if (followUp === "rescue") throw error;
  if (followUp === "none") return "failed";
  const { code } = error;
  if (isFailureCode(code)) return postpone(dependencies, connection, outcome, code);
  if (refreshErrors[code].schedule === "discard") return "gone";
  throw error;
}

/**
 * Makes the connection due later, in one conditional write. Where the connection was changed since it was
 * read, or somebody refreshes it now, that caller's outcome decides.
 */
async function postpone(
  dependencies: Using<"store" | "clock" | "random" | "newLeaseId" | "telemetry">,
  connection: Connection,
  outcome: FailedRefresh,
  code: FailureCode,
): Promise<ScheduledRefreshOutcome> {
  const { store, clock, telemetry } = dependencies;
  const nowMs = clock.nowMs();
  const { refreshAtMs, credentialsVersion: expectedVersion, integration } = connection;
  const failure = failureOf(dependencies, connection, outcome, code);
  const schedule = rescheduled(dependencies, connection, outcome, code, failure);
  if (refreshAtMs === undefined || schedule === "unchanged") return "out_of_date";
  const written = await store.postpone({
    ...keyOf(connection),
    ...{ expectedVersion, refreshAtMs, nowMs, schedule, failure },
  });
  if (written.kind !== "done") return "out_of_date";
  telemetry.emit({ code: "schedule.postponed", ...keyOf(connection), integration, reason: code });
  return "postponed";
}

function rescheduled(
  { clock, random }: Using<"clock" | "random">,
  connection: Connection,
  { blockedBy }: FailedRefresh,
  code: FailureCode,
  failure: Failure,
): Rescheduling {
  const nowMs = clock.nowMs();
  switch (refreshErrors[code].schedule) {
    case "remove":
      return "removed";
    case "look_again":
      return dueWhileInactive(connection.connectionId, nowMs);
    case "with_integration": {
      const block = blockedBy ?? { beganAtMs: failure.beganAtMs, untilMs: nowMs };
      return dueAfterHold(connection, block, nowMs, random());
    }
    case "back_off":
      return dueAfterFailure(connection, failure, nowMs, random());
  }
}

/** A connection whose provider was not asked has not failed once more: the run is as long as it was. */
function failureOf(
  { clock, newLeaseId }: Using<"clock" | "newLeaseId">,
  { failure: previous }: Connection,
  { blockedBy }: FailedRefresh,
  code: FailureCode,
): Failure {
  // The cause of this hold does not pass by itself, and the connection's failure says so.
  const stored = blockedBy?.holdReason === "client_rejected" ? "client_rejected" : code;
  const failure = failureAfter(previous, stored, newLeaseId(), clock.nowMs());
  return { ...failure, count: Math.max(1, failure.count - 1) };
}
