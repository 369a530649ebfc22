import {
  type FailureCode,
  failureCodes,
  type RefreshErrorCode,
  type RefreshErrorTraits,
  refreshErrors,
} from "../../../functions/domain/model/errors.ts";
import type { RefreshEvent } from "../../../functions/domain/ports/events.ts";
import { type EventEntry, eventTable } from "../../../functions/telemetry/event-table.ts";

/*
 * The compiler checks these: each `@ts-expect-error` fails `npm run lint` as soon as the line below it
 * compiles, which is as soon as a code or an event could be added without saying all of it.
 */
const complete = {
  status: 400,
  retry: "never",
  schedule: "discard",
  metric: "none",
  detail: "",
} as const satisfies RefreshErrorTraits;
const { status: _status, ...withoutStatus } = complete;
const { retry: _retry, ...withoutRetry } = complete;
const { schedule: _schedule, ...withoutSchedule } = complete;
const { metric: _metric, ...withoutMetric } = complete;

void [
  // @ts-expect-error no HTTP status
  withoutStatus satisfies RefreshErrorTraits,
  // @ts-expect-error no advice to the caller
  withoutRetry satisfies RefreshErrorTraits,
  // @ts-expect-error nothing for the schedule to do
  withoutSchedule satisfies RefreshErrorTraits,
  // @ts-expect-error no metric
  withoutMetric satisfies RefreshErrorTraits,
];

const { "rescue.absent": entry, ...withoutOneEvent } = eventTable;
const { metrics: _metrics, ...withoutMetrics } = entry;
const { members: _members, ...withoutMembers } = entry;
void [
  // @ts-expect-error an event has no entry
  withoutOneEvent satisfies typeof eventTable,
  // @ts-expect-error an entry has no metrics
  withoutMetrics satisfies EventEntry<RefreshEvent>,
  // @ts-expect-error an entry has no members
  withoutMembers satisfies EventEntry<RefreshEvent>,
];

// @ts-expect-error a connection that does not exist has no failure
void ("connection_not_found" satisfies FailureCode);

const codes = Object.keys(refreshErrors) as RefreshErrorCode[];

test("a failure is stored with its connection exactly where the schedule acts on the connection", () => {
  const stored = codes.filter((code) =>
    ["remove", "look_again", "back_off", "with_integration"].includes(refreshErrors[code].schedule),
  );
  expect(failureCodes).toEqual(stored);
  expect(failureCodes).not.toContain("internal_error");
});

test("a failure that is transient is never taken off the schedule", () => {
  for (const code of codes) {
    const { retry, schedule } = refreshErrors[code];
    if (schedule === "remove") expect(retry).toBe("never");
  }
});
