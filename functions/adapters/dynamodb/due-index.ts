import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { DueConnection, DueIndex, SweepPosition } from "../../domain/ports/schedule.ts";
import { valueIfValid } from "../../validation/check.ts";
import { connectionIdCheck, identifier, workspaceIdCheck } from "../../validation/identifiers.ts";
import { wholeNumber } from "../../validation/values.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import { attributes, type Item } from "./attributes.ts";
import { type DynamoDbTable, pages } from "./table-requests.ts";
import { connectionKey, dueIndex } from "./tables.ts";

/** The index `due` of the connections' table. The cost of a query grows with the connections due, not with those stored. */
export const dynamoDbDueIndex = ({ client, tableName }: DynamoDbTable): DueIndex => ({
  async page(request) {
    const { refreshShard, after, throughMs, limit } = request;
    const from = beginning(after);
    if (from.second > secondOf(throughMs)) return { due: [], next: undefined };
    const command = new QueryCommand({
      ...range(tableName, refreshShard, from.second, throughMs),
      Limit: limit,
      ExclusiveStartKey:
        from.connectionId === undefined
          ? undefined
          : startKey(refreshShard, from.second, from.connectionId),
    });
    const { Items = [], LastEvaluatedKey } = await asStoreUnavailable("DynamoDB", () =>
      client.send(command),
    );
    return { due: Items.flatMap(dueConnectionOf), next: positionOf(LastEvaluatedKey) };
  },

  async count(refreshShard, throughMs) {
    const query = { ...range(tableName, refreshShard, 0, throughMs), Select: "COUNT" as const };
    let total = 0;
    for await (const { Count = 0 } of pages((ExclusiveStartKey) =>
      client.send(new QueryCommand({ ...query, ExclusiveStartKey })),
    )) {
      total += Count;
    }
    return total;
  },
});

const secondOf = (instantMs: number): number => Math.floor(instantMs / 1000);

const range = (tableName: string, refreshShard: number, fromSecond: number, throughMs: number) => ({
  TableName: tableName,
  IndexName: dueIndex.name,
  KeyConditionExpression: `${dueIndex.hashKey} = :shard AND ${dueIndex.rangeKey} BETWEEN :from AND :through`,
  ExpressionAttributeValues: {
    ":shard": { N: String(refreshShard) },
    ":from": { N: String(fromSecond) },
    ":through": { N: String(secondOf(throughMs)) },
  },
});

/** A page may end within a second: the next one then begins behind that connection, else with the next second. */
function beginning(after: SweepPosition | undefined) {
  if (after === undefined) return { second: 0 };
  const { refreshAtMs, connectionId } = after;
  const second = secondOf(refreshAtMs);
  return connectionId === undefined ? { second: second + 1 } : { second, connectionId };
}

/** DynamoDB starts after any key, even if the entry is gone. */
const startKey = (
  refreshShard: number,
  second: number,
  connectionId: string,
): Record<string, AttributeValue> => ({
  [connectionKey]: { S: connectionId },
  [dueIndex.hashKey]: { N: String(refreshShard) },
  [dueIndex.rangeKey]: { N: String(second) },
});

function positionOf(key: Record<string, AttributeValue> | undefined): SweepPosition | undefined {
  const connectionId = key?.[connectionKey]?.S;
  const second = key?.[dueIndex.rangeKey]?.N;
  return connectionId !== undefined && second !== undefined
    ? { connectionId, refreshAtMs: Number(second) * 1000 }
    : undefined;
}

const entryCheck = attributes({
  [connectionKey]: connectionIdCheck,
  workspace_id: workspaceIdCheck,
  integration: identifier,
  [dueIndex.rangeKey]: wholeNumber,
});

/** A malformed entry cannot be refreshed, and is ignored. */
function dueConnectionOf(item: Item): DueConnection[] {
  const entry = valueIfValid(entryCheck, item);
  if (entry === undefined) return [];
  const { connection_id: connectionId, workspace_id: workspaceId, integration, refresh_at } = entry;
  return [{ connectionId, workspaceId, integration, refreshAtMs: refresh_at * 1000 }];
}
