import type { Connection, Failure, Lease } from "../model/connection.ts";
import { keyOf } from "../model/connection.ts";
import {
  type CountedErrorCode,
  type FailureCode,
  isTransient,
  RefreshError,
  type RefreshErrorContext,
} from "../model/errors.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";

/** The results of a sent request that came without an access token. */
export type FailedTokenResult = Exclude<TokenResult, { kind: "granted" | "not_sent" }>;

const codes = {
  refused: "reauthorization_required",
  client_rejected: "client_rejected",
  rate_limited: "provider_rate_limited",
  unavailable: "provider_error",
  timed_out: "provider_timeout",
  broken_off: "provider_error",
  unusable: "provider_error",
  rotated: "provider_error",
  misconfigured: "misconfigured_integration",
} as const satisfies Record<FailedTokenResult["kind"], CountedErrorCode>;

export const codeOf = ({ kind }: FailedTokenResult): CountedErrorCode => codes[kind];

/** The result of a token request, as the error that callers see. */
export function errorOf(
  result: FailedTokenResult,
  { integration }: Connection,
  retryAfterSeconds = retryAfterSecondsOf(result),
): RefreshError<CountedErrorCode> {
  const context: RefreshErrorContext = {
    integration,
    reason: reasonOf(result, integration),
    retryAfterSeconds,
  };
  return new RefreshError<CountedErrorCode>(codeOf(result), context);
}

function reasonOf(result: FailedTokenResult, integration: string): string | undefined {
  switch (result.kind) {
    case "refused":
    case "rate_limited":
    case "timed_out":
      return undefined;
    case "client_rejected":
      return `Integration ${integration}: the provider said ${result.providerError}.`;
    default:
      return `Integration ${integration}: ${result.reason}.`;
  }
}

/** The pause after a rate limit or an unavailable provider that states none. */
export const defaultRetryAfterMs = 5_000;

function retryAfterSecondsOf(result: FailedTokenResult): number | undefined {
  if (result.kind !== "rate_limited" && result.kind !== "unavailable") return undefined;
  return Math.max(1, Math.ceil((result.retryAfterMs ?? defaultRetryAfterMs) / 1000));
}

/** The result of a token request, as it is stored with the connection. */
export const failureOf = (
  result: FailedTokenResult,
  code: FailureCode,
  { failure: previous }: Connection,
  { leaseId }: Lease,
  nowMs: number,
): Failure => ({
  ...failureAfter(previous, code, leaseId, nowMs),
  providerError: "providerError" in result ? result.providerError : undefined,
  providerErrorDescription:
    "providerErrorDescription" in result ? result.providerErrorDescription : undefined,
});

/** One more in the run that the previous failure belongs to, or the first of another run. */
export function failureAfter(
  previous: Failure | undefined,
  code: FailureCode,
  leaseId: string,
  nowMs: number,
): Failure {
  const run = continuedRun(previous, code);
  return {
    code,
    count: (run?.count ?? 0) + 1,
    beganAtMs: run?.beganAtMs ?? nowMs,
    lastAtMs: nowMs,
    leaseId,
    retryAtMs: undefined,
    providerError: undefined,
    providerErrorDescription: undefined,
  };
}

/** Transient failures form one run, and failures that somebody has to mend another: only the former are given up. */
const continuedRun = (previous: Failure | undefined, code: FailureCode): Failure | undefined =>
  previous !== undefined && isTransient(previous.code) === isTransient(code) ? previous : undefined;

export function emitFailure(
  telemetry: Telemetry,
  connection: Connection,
  error: RefreshError<CountedErrorCode>,
  { providerError, providerErrorDescription }: Failure,
): void {
  const { integration } = connection;
  telemetry.emit({
    code: "refresh.failed",
    ...keyOf(connection),
    ...{ integration, failure: error.code, reason: error.message },
    ...{ providerError, providerErrorDescription },
  });
}
