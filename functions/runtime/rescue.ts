import { randomUUID } from "node:crypto";
import { promptDynamoDbClient, promptKmsClient, sqsClient } from "../adapters/aws/clients.ts";
import { systemClock as clock } from "../adapters/clock/system-clock.ts";
import { dynamoDbConnectionStore } from "../adapters/dynamodb/connection-store.ts";
import { parseRescueRecord } from "../adapters/rescue/rescue-record.ts";
import { sqsRedelivery } from "../adapters/sqs/redelivery.ts";
import { rescueTokens } from "../domain/rescue.ts";
import type { RescueHandlerDependencies } from "../handlers/rescue.ts";
import { rescueConfig } from "./config.ts";
import type { Environment } from "./environment.ts";
import { observers } from "./observers.ts";
import { tokenCipher } from "./token-cipher.ts";

/** The dependencies of the function that works on the rescue queue. @throws {InvalidEnvironment} */
export function rescueRuntime(environment: Environment): RescueHandlerDependencies {
  const config = rescueConfig(environment);
  const { connectionsTable, rescueQueueUrl: queueUrl, logLevel } = config;
  const { log, telemetry } = observers("rescue", logLevel);
  const client = promptDynamoDbClient();
  const store = dynamoDbConnectionStore({ client, tableName: connectionsTable });
  const cipher = tokenCipher(config, { dynamoDb: client, kms: promptKmsClient() });
  return {
    rescueTokens: rescueTokens({ store, cipher, telemetry, clock, newLeaseId: randomUUID }),
    parseRecord: parseRescueRecord,
    setRedelivery: queueUrl ? sqsRedelivery({ client: sqsClient, queueUrl }) : undefined,
    clock,
    log,
  };
}
