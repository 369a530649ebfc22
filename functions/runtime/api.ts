import { randomUUID } from "node:crypto";
import { dynamoDbClient, kmsClient, secretsManagerClient } from "../adapters/aws-clients.ts";
import { dynamoDbConnectionStore } from "../adapters/dynamodb-connection-store.ts";
import { kmsTokenCipher } from "../adapters/kms-token-cipher.ts";
import { memoryIntegrationHolds } from "../adapters/memory-integration-holds.ts";
import { noRescueQueue } from "../adapters/no-rescue-queue.ts";
import { oauthTokenGrant } from "../adapters/oauth-token-grant.ts";
import { secretsClientRegistry } from "../adapters/secrets-client-registry.ts";
import { systemClock as clock } from "../adapters/system-clock.ts";
import { apiConfig, type Environment } from "../config.ts";
import { budgetFor } from "../domain/budget.ts";
import { refreshConnection } from "../domain/refresh.ts";
import type { ApiDependencies } from "../handlers/api.ts";
import { requestScope } from "../request-scope.ts";
import { createLogger, createMetrics, journal as journalOf, logTo } from "../telemetry.ts";

const service = "api";

/** What the API function runs on. @throws {InvalidEnvironment} */
export function apiRuntime(environment: Environment): ApiDependencies {
  const config = apiConfig(environment);
  const { logLevel, allowLoopback } = config;
  const log = logTo(createLogger({ service, logLevel, ids: () => requestScope.getStore() }));
  const journal = journalOf({ log, metrics: createMetrics(service) });
  return {
    refreshConnection: refreshConnection({
      store: dynamoDbConnectionStore({
        client: dynamoDbClient(),
        tableName: config.connectionsTable,
      }),
      registry: secretsClientRegistry({
        client: secretsManagerClient(),
        prefix: config.secretPrefix,
        clock,
        maxAgeMs: config.clientCacheMs,
      }),
      grant: oauthTokenGrant({ clock, allowLoopback }),
      cipher: kmsTokenCipher({ client: kmsClient(), keyId: config.kmsKeyId, clock }),
      rescue: noRescueQueue,
      holds: memoryIntegrationHolds({ clock }),
      journal,
      clock,
      random: Math.random,
      newLeaseId: randomUUID,
      budget: budgetFor(config.providerTimeoutSeconds),
      coalesceWindowMs: config.coalesceWindowMs,
    }),
    log,
    clock,
  };
}
