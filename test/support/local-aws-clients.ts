import { createServer } from "node:http";
import { KMSClient } from "@aws-sdk/client-kms";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";

/** One attempt and a short deadline: what fails in a test fails at once. */
const settings = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 200, requestTimeout: 200, throwOnRequestTimeout: true },
});

export const localKmsClient = (endpoint: string): KMSClient => new KMSClient(settings(endpoint));

export const localSecretsManagerClient = (endpoint: string): SecretsManagerClient =>
  new SecretsManagerClient(settings(endpoint));

export interface SilentServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Takes every request and never answers. */
export async function startSilentServer(): Promise<SilentServer> {
  const server = createServer(() => undefined);
  return { endpoint: await listenOnLoopback(server), close: () => closeServer(server) };
}

export interface ManualClock {
  nowMs(): number;
  advance(durationMs: number): void;
}

export function manualClock(startMs = Date.UTC(2026, 0, 1, 12)): ManualClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance: (durationMs) => {
      nowMs += durationMs;
    },
  };
}
