import { randomUUID } from "node:crypto";
import { dynamoDbClient, kmsClient, secretsManagerClient } from "../adapters/aws-clients.ts";
import { dynamoDbConnectionStore } from "../adapters/dynamodb-connection-store.ts";
import type { ConnectionTable } from "../adapters/dynamodb-connection-update.ts";
import { dynamoDbIntegrationHolds } from "../adapters/dynamodb-integration-holds.ts";
import { dynamoDbIntegrationLimits } from "../adapters/dynamodb-integration-limits.ts";
import { kmsTokenCipher } from "../adapters/kms-token-cipher.ts";
import { noRescueQueue } from "../adapters/no-rescue-queue.ts";
import { oauthTokenGrant } from "../adapters/oauth-token-grant.ts";
import { secretsClientRegistry } from "../adapters/secrets-client-registry.ts";
import { sqsRescueQueue } from "../adapters/sqs-rescue-queue.ts";
import { systemClock as clock } from "../adapters/system-clock.ts";
import type { RefreshConfig } from "../config.ts";
import { breaker } from "../domain/breaker.ts";
import { budgetFor } from "../domain/budget.ts";
import type { ConnectionStore, Journal } from "../domain/ports.ts";
import type { RefreshDependencies } from "../domain/refresh.ts";

/** What a refresh runs on, whichever function it runs in. */
export function refreshDependencies(
  config: RefreshConfig,
  journal: Journal,
  storeIn: (table: ConnectionTable) => ConnectionStore = dynamoDbConnectionStore,
): RefreshDependencies {
  const { allowLoopback, connectionsTable, rescueQueueUrl } = config;
  const { sweepIntervalMs, giveUpAfterMs } = config;
  const client = dynamoDbClient();
  const coordination = { client, tableName: config.coordinationTable };
  const random = Math.random;
  const budget = budgetFor(config.providerTimeoutSeconds);
  const holds = dynamoDbIntegrationHolds({ ...coordination, clock });
  return {
    store: storeIn({ client, tableName: connectionsTable }),
    registry: secretsClientRegistry({
      client: secretsManagerClient(),
      prefix: config.secretPrefix,
      clock,
      maxAgeMs: config.clientCacheMs,
    }),
    grant: oauthTokenGrant({ clock, allowLoopback }),
    cipher: kmsTokenCipher({ client: kmsClient(), keyId: config.kmsKeyId, clock }),
    rescue: rescueQueueUrl
      ? sqsRescueQueue({ queueUrl: rescueQueueUrl, delayMs: budget.leaseMs })
      : noRescueQueue,
    holds,
    breaker: breaker({ holds, clock, journal }),
    limits: dynamoDbIntegrationLimits({ ...coordination, clock, random }),
    journal,
    clock,
    random,
    newLeaseId: randomUUID,
    budget,
    coalesceWindowMs: config.coalesceWindowMs,
    schedule: { sweepIntervalMs, giveUpAfterMs },
  };
}
