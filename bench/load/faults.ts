import { setTimeout as sleep } from "node:timers/promises";
import type { Subject } from "../subjects.ts";
import { type Audit, audit } from "./audit.ts";
import {
  type KillPlan,
  killAtRandom,
  loseMessages,
  type Restartable,
  restartable,
  sweepAgain,
  throttleFor,
} from "./fault-injection.ts";
import { seedFleet, storedFleet } from "./fleet.ts";
import { functionLog, type Logged } from "./function-log.ts";
import { rescuePlan, runSweep, startFunction, sweepPlan, workerPlan } from "./functions.ts";
import { depthOf, type LoadEnvironment, startEnvironment } from "./load-environment.ts";
import { type ProviderBehaviour, type ProviderCounts, strict } from "./provider-behaviour.ts";
import type { Consumption } from "./store-proxy.ts";

export interface FaultPlan extends KillPlan {
  readonly connections: number;
  readonly dynamoDbEndpoint: string | undefined;
  readonly bundles: Readonly<Record<"worker" | "sweep" | "rescue", Subject>>;
  readonly workers: number;
  /** The provider also accepts the previous refresh token, as many providers do. */
  readonly grace: boolean;
  readonly throttleMs: number;
  /** The number of messages that are deleted from the queue before a worker receives them. */
  readonly vanishing: number;
  /** The run fails after this time. */
  readonly timeLimitMs: number;
}

export interface FaultResult extends Audit {
  readonly grace: boolean;
  readonly seconds: number;
  readonly kills: number;
  readonly vanished: number;
  readonly throttled: number;
  readonly provider: ProviderCounts;
  /** The number of log lines, by code. */
  readonly lines: Readonly<Record<string, number>>;
}

/** A short timeout, so that a run ends in minutes: the worker's timeout is then 11 s. */
const providerTimeoutSeconds = 1;
const batchesAtATime = 2;
/** The visibility timeouts of the queues: an eighth of the deployed ones. */
const visibilitySeconds = { refresh: 20, rescue: 7 };
/** The age of the due connections, as after an outage of the workers. The sweep enqueues these again if lost. */
const dueSinceMs = 6 * 60_000;

/**
 * Refreshes a fleet while workers are killed, the store throttles, the provider refuses and hangs, and
 * messages are lost. Then audits the stored tokens.
 */
export async function runFaults(plan: FaultPlan): Promise<FaultResult> {
  const environment = await startEnvironment({
    dynamoDbEndpoint: plan.dynamoDbEndpoint,
    withProxy: true,
    visibilitySeconds,
    settings: { PROVIDER_TIMEOUT_SECONDS: String(providerTimeoutSeconds) },
  });
  try {
    const refreshAtMs = Date.now() - dueSinceMs;
    await seedFleet(environment, { name: "f", count: plan.connections, refreshAtMs });
    await environment.provider.call("behave", behaviourOf(plan));
    const beganAtMs = Date.now();
    const log = functionLog();
    const { kills, vanished } = await injectFaults(environment, plan, log);
    const seconds = (Date.now() - beganAtMs) / 1000;
    const provider = { ...(await environment.provider.call<ProviderCounts>("counts")) };
    const consumption = await environment.proxy?.call<Consumption>("consumption");
    return {
      ...{ grace: plan.grace, seconds, vanished, provider, lines: log.lines, kills: kills.length },
      throttled: consumption?.throttled ?? 0,
      ...(await audit(environment, kills, log)),
    };
  } finally {
    await environment.close();
  }
}

/**
 * Without grace, a provider that rotates and never responds loses the token for any client. A request to
 * such a provider hangs before the rotation, so that every lost token is lost by a kill.
 */
const behaviourOf = ({ grace }: FaultPlan): ProviderBehaviour => ({
  ...strict,
  grace,
  refusesOneIn: 5,
  hangsOneIn: 100,
  rotatesBeforeHanging: grace,
});

/** Injects all faults at once until every connection is refreshed or expired. */
async function injectFaults(environment: LoadEnvironment, plan: FaultPlan, log: Logged) {
  const stopping = new AbortController();
  const { worker, rescue, sweep } = plan.bundles;
  const sweeping = await startFunction(environment, sweepPlan(sweep), { onLine: log.add });
  await runSweep(sweeping);
  const vanished = await loseMessages(environment, plan.vanishing);
  const starting = [
    ...Array.from({ length: plan.workers }, () => workerPlan(environment, worker, batchesAtATime)),
    rescuePlan(environment, rescue),
  ];
  const processes: readonly Restartable[] = await Promise.all(
    starting.map((one) => restartable(() => startFunction(environment, one, { onLine: log.add }))),
  );
  const killing = killAtRandom(processes, plan, stopping.signal);
  const others = [
    throttleFor(environment, plan, stopping.signal),
    sweepAgain(environment, sweeping, stopping.signal),
  ];
  try {
    await Promise.race([
      untilRefreshed(environment, plan),
      ...[killing, ...others].map(onlyFailure),
    ]);
  } finally {
    stopping.abort();
  }
  const kills = await killing;
  await Promise.all(others);
  await untilRescued(environment);
  return { kills, vanished };
}

/** Rejects if the work fails, and never resolves. */
const onlyFailure = (work: Promise<unknown>): Promise<never> =>
  work.then(() => new Promise<never>(() => {}));

const pollMs = 1_000;

/** @throws {Error} with the number of connections left, after the time limit */
async function untilRefreshed(
  environment: LoadEnvironment,
  { timeLimitMs }: FaultPlan,
): Promise<void> {
  const deadlineMs = Date.now() + timeLimitMs;
  for (;;) {
    const lookedAtMs = Date.now();
    const stored = await storedFleet(environment);
    const left = stored.filter(({ version, status }) => version === 1 && status !== "expired");
    if (left.length === 0) return;
    if (Date.now() > deadlineMs) throw new Error(`${left.length} connections were not refreshed`);
    // Reading a large fleet loads the engine, so this takes at most a tenth of the time.
    await sleep(Math.max(pollMs, 9 * (Date.now() - lookedAtMs)));
  }
}

async function untilRescued({ sqs, queues }: LoadEnvironment): Promise<void> {
  for (;;) {
    const { visible, inFlight } = await depthOf(sqs, queues.rescueQueueUrl);
    if (visible + inFlight === 0) return;
    await sleep(pollMs);
  }
}
