import { dynamoDbIntegrationHolds } from "../../functions/adapters/dynamodb/integration-holds.ts";
import { dynamoDbTroubleEvidence } from "../../functions/adapters/dynamodb/trouble-evidence.ts";
import { startTables, tableNames } from "../support/local-dynamodb.ts";
import { startMs } from "../support/refresh-harness.ts";
import { SharedTrouble } from "../support/shared-trouble.ts";
import {
  integrationTroubleContract,
  type TroubleUnderTest,
} from "./integration-trouble.contract.ts";

function clockAtStart() {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
  };
}

integrationTroubleContract("in memory", async () => {
  const clock = clockAtStart();
  const shared = new SharedTrouble(clock, 2_000);
  return { start: () => shared.view(), advance: clock.advance, close: async () => undefined };
});

const dynamoDb = (endpoint?: string) => async (): Promise<TroubleUnderTest> => {
  const { client, close } = await startTables(endpoint);
  const clock = clockAtStart();
  const options = { client, clock, tableName: tableNames.coordination };
  return {
    start: () => ({
      holds: dynamoDbIntegrationHolds(options),
      evidence: dynamoDbTroubleEvidence(options),
    }),
    advance: clock.advance,
    close,
  };
};

integrationTroubleContract("DynamoDB, dynalite", dynamoDb());

const { TEST_DYNAMODB_ENDPOINT: endpoint } = process.env;
if (endpoint) integrationTroubleContract(`DynamoDB at ${endpoint}`, dynamoDb(endpoint));
