import { randomUUID } from "node:crypto";
import { dynamoDbClient, kmsClient, secretsManagerClient } from "../adapters/aws/clients.ts";
import { systemClock as clock } from "../adapters/clock/system-clock.ts";
import { dynamoDbConnectionStore } from "../adapters/dynamodb/connection-store.ts";

import { dynamoDbIntegrationHolds } from "../adapters/dynamodb/integration-holds.ts";
import { dynamoDbIntegrationLimits } from "../adapters/dynamodb/integration-limits.ts";
import type { DynamoDbTable } from "../adapters/dynamodb/table-requests.ts";
import { dynamoDbTroubleEvidence } from "../adapters/dynamodb/trouble-evidence.ts";
import { kmsRebinds } from "../adapters/kms/rebinds.ts";
import { noRescueQueue } from "../adapters/rescue/no-rescue-queue.ts";
import { sqsRescueQueue } from "../adapters/rescue/rescue-queue.ts";
import { secretsClientRegistry } from "../adapters/secrets-manager/client-registry.ts";
import { oauthTokenEndpoint } from "../adapters/token-endpoint/oauth-token-endpoint.ts";
import { circuitBreaker } from "../domain/integration/circuit-breaker.ts";
import { budgetFor } from "../domain/model/budget.ts";
import { firstRescueDelayMs } from "../domain/model/take-over.ts";
import type { ConnectionStore } from "../domain/ports/connection-store.ts";
import type { Telemetry } from "../domain/ports/telemetry.ts";
import type { RefreshDependencies } from "../domain/refresh/dependencies.ts";
import type { RefreshConfig } from "./config.ts";
import { tokenCipher, wrappingKeys } from "./token-cipher.ts";

/** The dependencies of a refresh, in any function. */
export function refreshDependencies(
  config: RefreshConfig,
  telemetry: Telemetry,
  storeIn: (table: DynamoDbTable) => ConnectionStore = dynamoDbConnectionStore,
): RefreshDependencies {
  const { allowLoopback, connectionsTable, rescueQueueUrl } = config;
  const { sweepIntervalMs, giveUpAfterMs } = config;
  const client = dynamoDbClient();
  const kms = kmsClient();
  const coordination = { client, tableName: config.coordinationTable };
  const random = Math.random;
  const budget = budgetFor(config.providerTimeoutSeconds);
  const tokenEndpoint = oauthTokenEndpoint({ clock, allowLoopback });
  const holds = dynamoDbIntegrationHolds({ ...coordination, clock });
  const evidence = dynamoDbTroubleEvidence({ ...coordination, clock });
  return {
    store: storeIn({ client, tableName: connectionsTable }),
    registry: secretsClientRegistry({
      client: secretsManagerClient(),
      prefix: config.secretPrefix,
      clock,
      maxAgeMs: config.clientCacheMs,
    }),
    tokenEndpoint,
    rebinds: kmsRebinds({
      ...wrappingKeys(config, kms),
      stage: config.stage,
      table: coordination,
      clock,
    }),
    requiresBinding: config.requiresBinding,
    cipher: tokenCipher(config, { dynamoDb: client, kms }),
    rescueQueue: rescueQueueUrl
      ? sqsRescueQueue({ queueUrl: rescueQueueUrl, delayMs: firstRescueDelayMs })
      : noRescueQueue,
    holds,
    circuitBreaker: circuitBreaker({ holds, evidence, tokenEndpoint, clock, telemetry }),
    limits: dynamoDbIntegrationLimits({ ...coordination, clock, random }),
    telemetry,
    clock,
    random,
    newLeaseId: randomUUID,
    budget,
    coalesceWindowMs: config.coalesceWindowMs,
    schedule: { sweepIntervalMs, giveUpAfterMs },
  };
}
