import { createServer } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";

/** A busy machine may take its time; what is about a deadline states a shorter one. */
const defaultPatienceMs = 30_000;

/** One attempt: what fails in a test fails at once. */
const settings = (endpoint: string, patienceMs = defaultPatienceMs) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: patienceMs,
    requestTimeout: patienceMs,
    throwOnRequestTimeout: true,
  },
});

export const localDynamoDbClient = (endpoint: string, patienceMs?: number): DynamoDBClient =>
  new DynamoDBClient(settings(endpoint, patienceMs));

export const localKmsClient = (endpoint: string, patienceMs?: number): KMSClient =>
  new KMSClient(settings(endpoint, patienceMs));

export const localSecretsManagerClient = (endpoint: string): SecretsManagerClient =>
  new SecretsManagerClient(settings(endpoint));

export const localSqsClient = (endpoint: string, patienceMs?: number): SQSClient =>
  new SQSClient(settings(endpoint, patienceMs));

export interface SilentServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Takes every request and never answers. */
export async function startSilentServer(): Promise<SilentServer> {
  const server = createServer(() => undefined);
  return { endpoint: await listenOnLoopback(server), close: () => closeServer(server) };
}

export interface ManualClock extends Clock {
  advance(durationMs: number): void;
  /** Resolves as soon as exactly so many are asleep. */
  asleep(count: number): Promise<void>;
}

/** Time that stands still until it is moved; whoever sleeps wakes when it has passed. */
export function manualClock(startMs = Date.UTC(2026, 0, 1, 12)): ManualClock {
  let nowMs = startMs;
  const sleepers = new Map<() => void, number>();
  const watchers = new Map<() => void, number>();
  const tellWatchers = (): void => {
    for (const [tell, count] of watchers) if (sleepers.size === count) tell();
  };
  return {
    nowMs: () => nowMs,
    advance: (durationMs) => {
      nowMs += durationMs;
      for (const [wake, atMs] of sleepers) if (atMs <= nowMs) wake();
    },
    async sleep(durationMs, signal) {
      if (signal?.aborted || durationMs <= 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      sleepers.set(resolve, nowMs + durationMs);
      signal?.addEventListener("abort", () => resolve(), { once: true });
      tellWatchers();
      await promise;
      sleepers.delete(resolve);
      tellWatchers();
    },
    async asleep(count) {
      if (sleepers.size === count) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      watchers.set(resolve, count);
      await promise;
      watchers.delete(resolve);
    },
  };
}
