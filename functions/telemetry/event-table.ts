import { refreshErrors } from "../domain/model/errors.ts";
import { isoSecond } from "../domain/model/instant.ts";
import type { HoldScope } from "../domain/model/integration-hold.ts";
import type { RefreshEvent } from "../domain/ports/events.ts";
import type { LogLine } from "./log-lines.ts";
import { count, type Measurement, milliseconds } from "./metrics.ts";

type Code = RefreshEvent["code"];
type EventOf<Known extends Code> = Extract<RefreshEvent, { readonly code: Known }>;

/** Everything that telemetry makes of one kind of event. */
export interface EventEntry<Event> extends LogLine {
  /** Members of the line, beside the ids of the connection or the registration. */
  readonly members: (event: Event) => Readonly<Record<string, unknown>>;
  readonly metrics: (event: Event) => readonly Measurement[];
}

const scopeMembers = ({ origin, workspaceId }: HoldScope) => ({
  origin: origin ?? "all",
  held_workspace_id: workspaceId ?? "all",
});
const noMembers = () => ({});
const noMetrics = () => [];

/** One entry for each event of the domain: an event without one does not compile. */
export const eventTable: { readonly [Known in Code]: EventEntry<EventOf<Known>> } = {
  "refresh.refreshed": {
    level: "info",
    message: "token refreshed",
    members: ({ integration, version, expiresAtMs, assumedFrom, ...others }) => ({
      integration,
      version,
      expires_at: expiresAtMs === undefined ? null : isoSecond(expiresAtMs),
      assumed_from: assumedFrom,
      rotated: others.rotated,
      commit_gap_ms: others.commitGapMs,
      notes: others.notes,
    }),
    metrics: ({ commitGapMs }) => [count("Refreshed"), milliseconds("CommitGap", commitGapMs)],
  },
  "refresh.coalesced": {
    level: "info",
    message: "answered with another call's refresh",
    members: noMembers,
    metrics: () => [count("Coalesced")],
  },
  "refresh.still_valid": {
    level: "info",
    message: "token lives long enough",
    members: noMembers,
    metrics: () => [count("StillValid")],
  },
  "refresh.failed": {
    level: "warn",
    message: "refresh failed",
    members: ({ integration, failure, reason, providerError, providerErrorDescription }) => ({
      integration,
      failure,
      reason,
      provider_error: providerError,
      provider_error_description: providerErrorDescription,
    }),
    metrics: ({ failure }) => [{ ...count(refreshErrors[failure].metric), code: failure }],
  },
  "token_request.retried": {
    level: "warn",
    message: "provider did not take the request, asking again",
    members: ({ reason, delayMs }) => ({ reason, delay_ms: delayMs }),
    metrics: noMetrics,
  },
  "token_request.withheld": {
    level: "error",
    message: "tokens were issued elsewhere, nothing was sent",
    members: ({ integration, registrationName, boundTo, tokenEndpoint, isSameClient }) => ({
      integration,
      registration_name: registrationName,
      bound_to: boundTo ?? null,
      token_endpoint: tokenEndpoint,
      is_same_client: isSameClient,
    }),
    metrics: noMetrics,
  },
  "client.reread": {
    level: "warn",
    message: "client rejected, its secret is read again",
    members: ({ registrationName }) => ({ registration_name: registrationName }),
    metrics: noMetrics,
  },
  "integration.held": {
    level: "error",
    message: "connections of an integration are in trouble together and held",
    members: ({ integration, hold }) => ({
      integration,
      reason: hold.reason,
      ...scopeMembers(hold.scope),
      held_since: isoSecond(hold.beganAtMs),
      held_until: isoSecond(hold.untilMs),
      connection_ids: hold.failing.map(({ connectionId }) => connectionId),
    }),
    metrics: () => [count("IntegrationHeld")],
  },
  "integration.probed": {
    level: "info",
    message: "a hold has ended, one connection tries",
    members: ({ integration, scope }) => ({ integration, ...scopeMembers(scope) }),
    metrics: noMetrics,
  },
  "integration.recovered": {
    level: "info",
    message: "connections that were held refresh again",
    members: ({ integration, scope }) => ({ integration, ...scopeMembers(scope) }),
    metrics: noMetrics,
  },
  "schedule.postponed": {
    level: "info",
    message: "due later, the provider was not asked",
    members: ({ integration, reason }) => ({ integration, reason }),
    metrics: () => [count("Postponed")],
  },
  "schedule.out_of_date": {
    level: "info",
    message: "no longer due",
    members: noMembers,
    metrics: noMetrics,
  },
  "sweep.ended": {
    level: "info",
    message: "due connections are enqueued",
    members: ({ enqueued, shardsLeft, lagMs }) => ({
      enqueued,
      shards_left: shardsLeft,
      lag_ms: lagMs,
    }),
    metrics: ({ enqueued, lagMs }) => [
      count("Enqueued", enqueued),
      milliseconds("SweepLag", lagMs),
    ],
  },
  "sweep.interrupted": {
    level: "warn",
    message: "sweep interrupted, the next one resumes it",
    members: ({ refreshShard, cause }) => ({ refresh_shard: refreshShard, error: cause }),
    metrics: noMetrics,
  },
  "sweep.caught_up": {
    level: "warn",
    message: "connections whose message was lost are enqueued again",
    members: ({ enqueued, due }) => ({ enqueued, due }),
    metrics: ({ enqueued }) => [count("CaughtUp", enqueued)],
  },
  "lease.lost": {
    level: "warn",
    message: "lease ended before the request could be sent",
    members: noMembers,
    metrics: noMetrics,
  },
  "lease.unreleased": {
    level: "warn",
    message: "lease could not be released, it ends by itself",
    members: ({ cause }) => ({ error: cause }),
    metrics: noMetrics,
  },
  "failure.unrecorded": {
    level: "warn",
    message: "failure could not be stored with its connection",
    members: ({ cause }) => ({ error: cause }),
    metrics: noMetrics,
  },
  "credentials.unreadable": {
    level: "error",
    message: "stored credentials cannot be decrypted",
    members: ({ cause }) => ({ error: cause }),
    metrics: noMetrics,
  },
  "commit.retried": {
    level: "warn",
    message: "commit failed, trying again",
    members: ({ attempt, cause }) => ({ attempt, error: cause }),
    metrics: noMetrics,
  },
  "commit.superseded": {
    level: "warn",
    message: "another holder committed first",
    members: ({ expectedVersion, credentials }) => ({
      expected_version: expectedVersion,
      credentials,
    }),
    metrics: noMetrics,
  },
  "commit.absent": {
    level: "warn",
    message:
      "connection was deleted during its refresh: its new tokens are not stored, and not revoked",
    members: noMembers,
    metrics: noMetrics,
  },
  "commit.rescued": {
    level: "error",
    message: "token set could not be committed, it waits in the rescue queue",
    members: noMembers,
    metrics: () => [count("CommitRescued")],
  },
  "commit.last_resort": {
    level: "critical",
    message: "token set is kept in this line alone: commit it with `admin rescue`",
    // The commit is written out by whoever binds telemetry: its form is the one that `admin rescue` reads.
    members: noMembers,
    metrics: () => [count("LastResort")],
  },
  "rescue.committed": {
    level: "info",
    message: "rescued token set committed",
    members: ({ version }) => ({ version }),
    metrics: noMetrics,
  },
  "rescue.superseded": {
    level: "warn",
    message: "rescued token set came after another, and is kept in this line",
    members: ({ expectedVersion, credentials }) => ({
      expected_version: expectedVersion,
      credentials,
    }),
    metrics: noMetrics,
  },
  "rescue.refused": {
    level: "error",
    message:
      "rescued token set was not sealed for this connection and version, and is kept in this line",
    members: ({ credentials, cause }) => ({ credentials, error: cause }),
    metrics: noMetrics,
  },
  "rescue.absent": {
    level: "warn",
    message: "the connection of a rescued token set no longer exists",
    members: noMembers,
    metrics: noMetrics,
  },
};
