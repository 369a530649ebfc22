import { createServer } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";

/** Long enough for a busy machine. A test of a timeout states a shorter one. */
const defaultTimeoutMs = 30_000;

/** One attempt, so that a failure is not repeated. */
const settings = (endpoint: string, timeoutMs = defaultTimeoutMs) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
  },
});

export const localDynamoDbClient = (endpoint: string, timeoutMs?: number): DynamoDBClient =>
  new DynamoDBClient(settings(endpoint, timeoutMs));

export const localKmsClient = (endpoint: string, timeoutMs?: number): KMSClient =>
  new KMSClient(settings(endpoint, timeoutMs));

export const localSecretsManagerClient = (endpoint: string): SecretsManagerClient =>
  new SecretsManagerClient(settings(endpoint));

export const localSqsClient = (endpoint: string, timeoutMs?: number): SQSClient =>
  new SQSClient(settings(endpoint, timeoutMs));

export interface SilentServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Starts a server that accepts every request and never responds. */
export async function startSilentServer(): Promise<SilentServer> {
  const server = createServer(() => undefined);
  return { endpoint: await listenOnLoopback(server), close: () => closeServer(server) };
}

export interface ManualClock extends Clock {
  advance(durationMs: number): void;
  /** Resolves as soon as exactly `count` callers sleep. */
  asleep(count: number): Promise<void>;
}

/** A clock that stands still until it is advanced. A sleep ends when its time has come. */
export function manualClock(startMs = Date.UTC(2026, 0, 1, 12)): ManualClock {
  let nowMs = startMs;
  const sleepers = new Map<() => void, number>();
  const watchers = new Map<() => void, number>();
  const notifyWatchers = (): void => {
    for (const [notify, count] of watchers) if (sleepers.size === count) notify();
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
      notifyWatchers();
      await promise;
      sleepers.delete(resolve);
      notifyWatchers();
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
