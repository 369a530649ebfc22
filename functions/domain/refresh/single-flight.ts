import { withTimeout } from "../async/timeout.ts";
import type { ConnectionKey } from "../model/connection.ts";
import { RefreshError } from "../model/errors.ts";
import type { RefreshDependencies, RefreshOutcome, RefreshRequest } from "../refresh.ts";

export type RefreshesInProgress<Outcome> = Map<string, Promise<Outcome>>;

/**
 * Calls of one process for one connection share one refresh. A call that joins takes the outcome of
 * the flight that it joined where that answers it, and flies on its own where it does not.
 */
export async function joinRefresh(
  flights: RefreshesInProgress<RefreshOutcome>,
  request: RefreshRequest,
  dependencies: Pick<RefreshDependencies, "clock" | "budget">,
  refresh: () => Promise<RefreshOutcome>,
): Promise<RefreshOutcome> {
  const name = flightName(request);
  for (;;) {
    const flight = flights.get(name);
    if (flight === undefined) return takeOff(flights, name, refresh);
    const landed = await landedInTime(flight, request, dependencies);
    if ("outcome" in landed) {
      const { kind, connectionId, expiresAtMs } = landed.outcome;
      // A forced call is answered by a grant that ended after it arrived, not by the coalesce window.
      if (kind === "refreshed" || !request.force) {
        return { kind: "coalesced", connectionId, expiresAtMs };
      }
    } else if (!ranOutOfTime(landed.error)) {
      throw landed.error;
    }
  }
}

const flightName = ({ workspaceId, connectionId }: ConnectionKey): string =>
  `${workspaceId}/${connectionId}`;

async function takeOff(
  flights: RefreshesInProgress<RefreshOutcome>,
  name: string,
  refresh: () => Promise<RefreshOutcome>,
): Promise<RefreshOutcome> {
  const flight = refresh().finally(() => flights.delete(name));
  flights.set(name, flight);
  return flight;
}

type Landed = { readonly outcome: RefreshOutcome } | { readonly error: unknown };

async function landedInTime(
  flight: Promise<RefreshOutcome>,
  { invocation }: RefreshRequest,
  { clock, budget }: Pick<RefreshDependencies, "clock" | "budget">,
): Promise<Landed> {
  const landing = flight.then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error }),
  );
  const landed = await withTimeout(
    clock,
    invocation.remainingMs() - budget.answerReserveMs,
    landing,
  );
  if (landed === undefined) throw new RefreshError("refresh_in_progress");
  return landed.value;
}

/** That call's own time was up, which says nothing of the connection. */
const ranOutOfTime = (error: unknown): boolean =>
  error instanceof RefreshError && error.code === "refresh_in_progress";
