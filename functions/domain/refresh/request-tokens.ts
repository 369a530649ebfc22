import { type Connection, keyOf } from "../model/connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "../model/errors.ts";
import type { TokenBinding } from "../model/token-binding.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";
import type { Attempt, Using } from "./dependencies.ts";
import { assertRecipient } from "./recipient.ts";

export interface RequestedTokens {
  readonly result: TokenResult;
  /** The registration that the last request was sent with. */
  readonly registration: ClientRegistration;
  /** Undefined: the request ended before its recipient was known. */
  readonly recipient: TokenBinding | undefined;
}

type RequestDependencies = Using<
  | "tokenEndpoint"
  | "rebinds"
  | "requiresBinding"
  | "registry"
  | "clock"
  | "budget"
  | "random"
  | "telemetry"
>;

/**
 * Sends the token request until its result is final. A definite failure is tried again while the lease
 * and the invocation have time; a rejected client is tried once more where its secret has changed.
 */
export async function requestTokens(
  dependencies: RequestDependencies,
  attempt: Attempt,
  permitted: ClientRegistration,
): Promise<RequestedTokens> {
  const { clock, telemetry } = dependencies;
  let registration = permitted;
  for (let tries = 1; ; tries++) {
    const sent = await sendOnce(dependencies, attempt, registration);
    const { result } = sent;
    if (result.kind === "client_rejected") {
      const reread = await rereadRegistration(dependencies, attempt.connection, registration);
      if (reread === undefined || timeToSpareMs(dependencies, attempt) < 0) return sent;
      registration = reread;
      continue;
    }
    const delayMs = delayBeforeRetryMs(dependencies, registration, result, tries);
    if (delayMs === undefined || delayMs > timeToSpareMs(dependencies, attempt)) return sent;
    const retried = { code: "token_request.retried", reason: result.kind, delayMs } as const;
    telemetry.emit({ ...retried, ...keyOf(attempt.connection) });
    await clock.sleep(delayMs);
  }
}

async function sendOnce(
  dependencies: RequestDependencies,
  attempt: Attempt,
  registration: ClientRegistration,
): Promise<RequestedTokens> {
  const { tokenEndpoint, budget } = dependencies;
  const { connection, opened } = attempt;
  const { refreshToken, accessToken, dpopKey, scope } = opened.tokens;
  const { providerOrigins } = registration;
  const recipients: TokenBinding[] = [];
  const result = await tokenEndpoint.refresh({
    registration,
    config: connection.config,
    ...{ refreshToken, accessToken, dpopKey, scope },
    timeoutMs: budget.providerTimeoutMs,
    async assertRecipient(recipient) {
      const delivery = { connection, bound: opened.binding, recipient, providerOrigins };
      await assertRecipient(dependencies, delivery);
      recipients.push(recipient);
    },
    maySend: () => timeToSpareMs(dependencies, attempt) >= 0,
  });
  return { result, registration, recipient: recipients.at(-1) };
}

/**
 * How long the request can still be delayed so that it ends, and its tokens are stored, within the lease
 * and the invocation. Negative: it is too late. A shorter deadline for the request would not do: a
 * request that is cut off may have rotated the token.
 */
function timeToSpareMs(
  { clock, budget }: Using<"clock" | "budget">,
  { lease, invocation }: Attempt,
): number {
  const leftMs = Math.min(lease.leaseExpiresAtMs - clock.nowMs(), invocation.remainingMs());
  return leftMs - budget.providerTimeoutMs - budget.commitReserveMs;
}

const maximumTries = 3;
const firstRetryMs = 200;

/**
 * Full jitter, but never sooner than the provider asked for. Undefined: not to be tried again, as after a rate
 * limit, which another request would only extend.
 */
function delayBeforeRetryMs(
  { random }: Using<"random">,
  { maxPerMinute }: ClientRegistration,
  result: TokenResult,
  tries: number,
): number | undefined {
  if (result.kind !== "unavailable") return undefined;
  // Where requests are counted, a permit is for one request.
  if (tries >= maximumTries || maxPerMinute !== undefined) return undefined;
  const jitterMs = Math.ceil(random() * firstRetryMs * 2 ** tries);
  return (result.retryAfterMs ?? 0) + jitterMs;
}

/**
 * Reads the secret past the cache after the provider rejected the client: it may have been rotated a
 * minute ago. Undefined when the secret has not changed, for the provider would reject it again.
 */
async function rereadRegistration(
  { registry, telemetry }: Using<"registry" | "telemetry">,
  connection: Connection,
  rejected: ClientRegistration,
): Promise<ClientRegistration | undefined> {
  const { registrationName } = connection;
  telemetry.emit({ code: "client.reread", ...keyOf(connection), registrationName });
  try {
    const registration = await registry.registration(registrationName, 0);
    return registration.version === rejected.version ? undefined : registration;
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof MisconfiguredRegistration) {
      return undefined;
    }
    throw error;
  }
}
