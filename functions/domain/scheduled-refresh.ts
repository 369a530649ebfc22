import type { Connection, Failure } from "./model/connection.ts";
import { keyOf } from "./model/connection.ts";
import {
  MisconfiguredRegistration,
  RefreshError,
  type RefreshErrorCode,
  StoreUnavailable,
} from "./model/errors.ts";
import type { Invocation } from "./ports/clock.ts";
import type { Rescheduling } from "./ports/connection-store.ts";
import type { DueConnection } from "./ports/schedule.ts";
import {
  NotPermitted,
  type Permission,
  requestPermission,
  returnPermission,
} from "./refresh/permission.ts";
import { failureAfter, misconfigured } from "./refresh/store-failure.ts";
import { Uncommitted } from "./refresh/store-tokens.ts";
import type { RefreshConnection, RefreshDependencies, RefreshOutcome } from "./refresh.ts";
import { dueAfterFailure, dueAfterHold, dueWhileInactive } from "./schedule/due.ts";

/**
 * What came of one message. `out_of_date`: the connection is no longer due; `postponed`: due later, and
 * the provider was not asked; `failed`: recorded, and due again later; `gone`: there is no such connection.
 */
export type ScheduledRefreshOutcome =
  | RefreshOutcome["kind"]
  | "out_of_date"
  | "postponed"
  | "failed"
  | "gone";

/**
 * Refreshes a connection that is due. What is known to happen is written to the connection, with the
 * time at which it is due next, and the message is done.
 *
 * @throws the unexpected, and a store that does not answer: the message is to come again
 */
export type RefreshDue = (
  due: DueConnection,
  invocation: Invocation,
) => Promise<ScheduledRefreshOutcome>;

export interface ScheduledRefreshDependencies extends RefreshDependencies {
  readonly refreshConnection: RefreshConnection;
}

export function refreshDue(dependencies: ScheduledRefreshDependencies): RefreshDue {
  return async (due, invocation) => {
    const { store, clock, telemetry } = dependencies;
    const connection = await store.read(keyOf(due));
    if (connection === undefined) return "gone";
    if (!isDue(connection, due, clock.nowMs())) {
      telemetry.emit({ code: "schedule.out_of_date", ...keyOf(connection) });
      return "out_of_date";
    }
    const barred = barredBy(connection);
    if (barred !== undefined) return postpone(dependencies, connection, new RefreshError(barred));
    const permission = await admitOrError(dependencies, connection);
    if (permission instanceof RefreshError) return postpone(dependencies, connection, permission);
    try {
      return await refreshAdmitted(dependencies, connection, permission, invocation);
    } finally {
      await returnPermission(dependencies, permission);
    }
  };
}

/** That the time has come which the message is for, the sweep's clock has said. */
const isDue = ({ refreshAtMs }: Connection, due: DueConnection, nowMs: number): boolean =>
  refreshAtMs !== undefined && (refreshAtMs <= nowMs || refreshAtMs === due.refreshAtMs);

const barredBy = ({ status }: Connection): RefreshErrorCode | undefined => {
  if (status === "inactive") return "connection_inactive";
  return status === "expired" ? "reauthorization_required" : undefined;
};

/** What is due comes in bursts, once for each sweep: a turn that comes soon is worth the wait. */
const patienceMs = 5_000;

/** Before the lease is taken, so that what is held costs one write, and not three. */
async function admitOrError(
  dependencies: ScheduledRefreshDependencies,
  connection: Connection,
): Promise<Permission | RefreshError> {
  try {
    return await requestPermission(dependencies, connection, patienceMs);
  } catch (error) {
    if (error instanceof RefreshError) return error;
    if (error instanceof MisconfiguredRegistration) {
      return misconfigured(connection, error.message, error);
    }
    if (error instanceof StoreUnavailable) {
      return new RefreshError("store_unavailable", { cause: error });
    }
    throw error;
  }
}

async function refreshAdmitted(
  dependencies: ScheduledRefreshDependencies,
  connection: Connection,
  permission: Permission,
  invocation: Invocation,
): Promise<ScheduledRefreshOutcome> {
  try {
    const { refreshConnection } = dependencies;
    // Due is due, however recent: only who has refreshed it since it was read answers the message.
    const refreshedBeforeMs = connection.lastRefreshedAtMs ?? 0;
    const request = { ...keyOf(connection), refreshedBeforeMs, permission, invocation };
    return (await refreshConnection(request)).kind;
  } catch (error) {
    if (!(error instanceof RefreshError) || isForTheQueue(error)) throw error;
    if (error.code === "connection_not_found") return "gone";
    return isUnrecorded(error) ? postpone(dependencies, connection, error) : "failed";
  }
}

/** The unexpected; and what the rescue, which tries more often than the queue, is to end before. */
const isForTheQueue = (error: RefreshError): boolean =>
  error.code === "internal_error" || error instanceof Uncommitted;

/** What ends a refresh before a provider's answer could be recorded on the connection. */
const isUnrecorded = (error: RefreshError): boolean =>
  error instanceof NotPermitted ||
  error.code === "no_refresh_token" ||
  error.code === "connection_inactive" ||
  error.code === "refresh_in_progress" ||
  error.code === "store_unavailable";

/**
 * One conditional write, after which the connection is due later. Where it was changed since it was
 * read, or somebody refreshes it now, it is theirs to say what comes of it.
 */
async function postpone(
  dependencies: ScheduledRefreshDependencies,
  connection: Connection,
  error: RefreshError,
): Promise<ScheduledRefreshOutcome> {
  const { store, clock, telemetry } = dependencies;
  const nowMs = clock.nowMs();
  const { refreshAtMs, credentialsVersion: expectedVersion, integration } = connection;
  const failure = failureOf(dependencies, connection, error);
  const schedule = rescheduled(dependencies, connection, error, failure);
  if (refreshAtMs === undefined || schedule === "unchanged") return "out_of_date";
  const written = await store.postpone({
    ...keyOf(connection),
    ...{ expectedVersion, refreshAtMs, nowMs, schedule, failure },
  });
  if (written.kind !== "done") return "out_of_date";
  const reason = error.code;
  telemetry.emit({ code: "schedule.postponed", ...keyOf(connection), integration, reason });
  return "postponed";
}

function rescheduled(
  { clock, random }: ScheduledRefreshDependencies,
  connection: Connection,
  error: RefreshError,
  failure: Failure,
): Rescheduling {
  const nowMs = clock.nowMs();
  if (error instanceof NotPermitted) return dueAfterHold(connection, error, nowMs, random());
  switch (error.code) {
    case "no_refresh_token":
    case "reauthorization_required":
      return "removed";
    case "connection_inactive":
      return dueWhileInactive(connection.connectionId, nowMs);
    case "misconfigured_integration": {
      const { beganAtMs } = failure;
      return dueAfterHold(connection, { beganAtMs, untilMs: nowMs }, nowMs, random());
    }
    default:
      return dueAfterFailure(connection, failure, nowMs, random());
  }
}

/** A connection that was not tried has not failed once more: the run is as long as it was. */
function failureOf(
  { clock, newLeaseId }: ScheduledRefreshDependencies,
  { failure: previous }: Connection,
  error: RefreshError,
): Failure {
  const { retryAfterSeconds } = error;
  const code = isClientRejected(error) ? "client_rejected" : error.code;
  const told = { code, retryAfterSeconds };
  const failure = failureAfter(previous, told, newLeaseId(), clock.nowMs());
  return { ...failure, count: Math.max(1, failure.count - 1) };
}

/** What holds the integration does not pass by itself. */
const isClientRejected = (error: RefreshError): boolean =>
  error instanceof NotPermitted && error.holdReason === "client_rejected";
