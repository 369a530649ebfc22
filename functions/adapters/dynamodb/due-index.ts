import { type AttributeValue, type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { identifierPattern, isConnectionId, isWorkspaceId } from "../../domain/model/connection.ts";
import type { DueConnection, DueIndex, SweepPosition } from "../../domain/ports/schedule.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import { connectionKey, dueIndex } from "./tables.ts";

export interface DynamoDbDueIndexOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** The index `due` of the connections' table. What a query costs grows with what is due, not with what is stored. */
export const dynamoDbDueIndex = ({ client, tableName }: DynamoDbDueIndexOptions): DueIndex => ({
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
    let total = 0;
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const command = new QueryCommand({
        ...range(tableName, refreshShard, 0, throughMs),
        Select: "COUNT",
        ExclusiveStartKey,
      });
      const page = await asStoreUnavailable("DynamoDB", () => client.send(command));
      total += page.Count ?? 0;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
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

/** Of a second that was left in the middle, the rest is still to come. */
function beginning(after: SweepPosition | undefined) {
  if (after === undefined) return { second: 0 };
  const { refreshAtMs, connectionId } = after;
  const second = secondOf(refreshAtMs);
  return connectionId === undefined ? { second: second + 1 } : { second, connectionId };
}

/** Any key may be started after, whether an entry has it still or not. */
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

/** An entry without what every connection has cannot be refreshed: it is passed over. */
function dueConnectionOf(item: Record<string, AttributeValue>): DueConnection[] {
  const connectionId = item[connectionKey]?.S;
  const workspaceId = item.workspace_id?.S;
  const integration = item.integration?.S ?? "";
  const second = Number(item[dueIndex.rangeKey]?.N);
  return isConnectionId(connectionId) &&
    isWorkspaceId(workspaceId) &&
    identifierPattern.test(integration)
    ? [{ connectionId, workspaceId, integration, refreshAtMs: second * 1000 }]
    : [];
}
