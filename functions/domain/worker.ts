import { type Admission, admit, leave, NotAdmitted } from "./admission.ts";
import { Uncommitted } from "./commit.ts";
import type { Connection, Failure } from "./connection.ts";
import {
  MisconfiguredRegistration,
  RefreshError,
  type RefreshErrorCode,
  StoreUnavailable,
} from "./errors.ts";
import type { Invocation, Rescheduling } from "./ports.ts";
import {
  keyOf,
  type RefreshConnection,
  type RefreshDependencies,
  type RefreshOutcome,
} from "./refresh.ts";
import { dueAfterFailure, dueAfterHold, dueWhileInactive } from "./schedule.ts";
import type { DueConnection } from "./schedule-ports.ts";
import { failureAfter, misconfigured } from "./settle.ts";

/**
 * What came of one message. `out_of_date`: the connection is no longer due; `put_off`: due later, and
 * the provider was not asked; `failed`: recorded, and due again later; `gone`: there is no such connection.
 */
export type WorkOutcome = RefreshOutcome["kind"] | "out_of_date" | "put_off" | "failed" | "gone";

/**
 * Refreshes a connection that is due. What is known to happen is written to the connection, with the
 * time at which it is due next, and the message is done.
 *
 * @throws the unexpected, and a store that does not answer: the message is to come again
 */
export type RefreshDue = (due: DueConnection, invocation: Invocation) => Promise<WorkOutcome>;

export interface WorkerDependencies extends RefreshDependencies {
  readonly refreshConnection: RefreshConnection;
}

export function refreshDue(dependencies: WorkerDependencies): RefreshDue {
  return async (due, invocation) => {
    const { store, clock, journal } = dependencies;
    const connection = await store.read(keyOf(due));
    if (connection === undefined) return "gone";
    if (!isDue(connection, due, clock.nowMs())) {
      journal.record({ code: "schedule.out_of_date", ...keyOf(connection) });
      return "out_of_date";
    }
    const barred = barredBy(connection);
    if (barred !== undefined) return putOff(dependencies, connection, new RefreshError(barred));
    const admission = await admitOrError(dependencies, connection);
    if (admission instanceof RefreshError) return putOff(dependencies, connection, admission);
    try {
      return await refreshAdmitted(dependencies, connection, admission, invocation);
    } finally {
      await leave(dependencies, admission);
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
  dependencies: WorkerDependencies,
  connection: Connection,
): Promise<Admission | RefreshError> {
  try {
    return await admit(dependencies, connection, patienceMs);
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
  dependencies: WorkerDependencies,
  connection: Connection,
  admission: Admission,
  invocation: Invocation,
): Promise<WorkOutcome> {
  try {
    const { refreshConnection } = dependencies;
    // Due is due, however recent: only who has refreshed it since it was read answers the message.
    const refreshedBeforeMs = connection.lastRefreshedAtMs ?? 0;
    const request = { ...keyOf(connection), refreshedBeforeMs, admission, invocation };
    return (await refreshConnection(request)).kind;
  } catch (error) {
    if (!(error instanceof RefreshError) || isForTheQueue(error)) throw error;
    if (error.code === "connection_not_found") return "gone";
    return isUnrecorded(error) ? putOff(dependencies, connection, error) : "failed";
  }
}

/** The unexpected; and what the rescue, which tries more often than the queue, is to end before. */
const isForTheQueue = (error: RefreshError): boolean =>
  error.code === "internal_error" || error instanceof Uncommitted;

/** What ends a refresh before a provider's answer could be recorded on the connection. */
const isUnrecorded = (error: RefreshError): boolean =>
  error instanceof NotAdmitted ||
  error.code === "no_refresh_token" ||
  error.code === "connection_inactive" ||
  error.code === "refresh_in_progress" ||
  error.code === "store_unavailable";

/**
 * One conditional write, after which the connection is due later. Where it was changed since it was
 * read, or somebody refreshes it now, it is theirs to say what comes of it.
 */
async function putOff(
  dependencies: WorkerDependencies,
  connection: Connection,
  error: RefreshError,
): Promise<WorkOutcome> {
  const { store, clock, journal } = dependencies;
  const nowMs = clock.nowMs();
  const { refreshAtMs, credentialsVersion: expectedVersion, integration } = connection;
  const failure = failureOf(dependencies, connection, error);
  const schedule = rescheduled(dependencies, connection, error, failure);
  if (refreshAtMs === undefined || schedule === "unchanged") return "out_of_date";
  const fenced = await store.putOff({
    ...keyOf(connection),
    ...{ expectedVersion, refreshAtMs, nowMs, schedule, failure },
  });
  if (fenced.kind !== "done") return "out_of_date";
  const reason = error.code;
  journal.record({ code: "schedule.put_off", ...keyOf(connection), integration, reason });
  return "put_off";
}

function rescheduled(
  { clock, random }: WorkerDependencies,
  connection: Connection,
  error: RefreshError,
  failure: Failure,
): Rescheduling {
  const nowMs = clock.nowMs();
  if (error instanceof NotAdmitted) return dueAfterHold(connection, error, nowMs, random());
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
  { clock, newLeaseId }: WorkerDependencies,
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
  error instanceof NotAdmitted && error.holdReason === "client_rejected";
