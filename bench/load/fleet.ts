import {
  type AttributeValue,
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  ScanCommand,
  type ScanCommandOutput,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { systemClock as clock } from "../../functions/adapters/clock/system-clock.ts";
import { withConcurrency } from "../../functions/domain/async/concurrency.ts";
import type {
  ConnectionId,
  ConnectionKey,
  SealedTokenSet,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { TokenCipher, TokenSetPlace } from "../../functions/domain/ports/token-cipher.ts";
import { shardOf } from "../../functions/domain/schedule/due.ts";
import { tokenCipherConfig } from "../../functions/runtime/config.ts";
import { tokenCipher } from "../../functions/runtime/token-cipher.ts";
import { integration, type LoadEnvironment } from "./load-environment.ts";

type Item = Record<string, AttributeValue>;

/** A connection with its plaintext refresh token. */
export interface FleetConnection extends ConnectionKey {
  readonly refreshToken: string;
  readonly refreshShard: number;
  readonly credentialsLength: number;
}

export interface FleetPlan {
  readonly count: number;
  /** The part of the connection ids that distinguishes several fleets. */
  readonly name: string;
  readonly refreshAtMs: number;
}

const workspaceId = "wsp_load" as WorkspaceId;
const idOf = (name: string, index: number): ConnectionId => `conn_${name}_${index}` as ConnectionId;

export const cipherOf = ({
  variables,
  dynamoDb,
  kms,
}: Pick<LoadEnvironment, "variables" | "dynamoDb" | "kms">): TokenCipher =>
  tokenCipher(tokenCipherConfig(variables), { dynamoDb, kms });

const firstVersion = 1;
const itemsAtOnce = 25;
const batchesAtATime = 2;

/** Stores connections with refresh tokens of the provider, each sealed with a separate data key. */
export async function seedFleet(
  environment: LoadEnvironment,
  { count, name, refreshAtMs }: FleetPlan,
): Promise<readonly FleetConnection[]> {
  const cipher = cipherOf(environment);
  const tokens = await environment.provider.call<readonly string[]>("mint", count);
  const fleet: FleetConnection[] = [];
  const batches = Array.from({ length: Math.ceil(count / itemsAtOnce) }, (_, batch) => batch);
  await withConcurrency(batches, batchesAtATime, async (batch) => {
    const first = batch * itemsAtOnce;
    const sealed = tokens.slice(first, first + itemsAtOnce).map(async (refreshToken, i) => {
      const key = { connectionId: idOf(name, first + i), workspaceId };
      const place = { ...key, version: firstVersion };
      const credentials = await seal(cipher, place, refreshToken);
      const { length: credentialsLength } = credentials;
      const refreshShard = shardOf(key.connectionId);
      fleet.push({ ...key, refreshToken, refreshShard, credentialsLength });
      return itemOf(key.connectionId, credentials, refreshAtMs);
    });
    await putItems(environment, await Promise.all(sealed));
  });
  return fleet;
}

const seal = (cipher: TokenCipher, place: TokenSetPlace, refreshToken: string) =>
  cipher.seal(
    {
      accessToken: new Secret(crypto.randomUUID()),
      refreshToken: new Secret(refreshToken),
      tokenType: "Bearer",
      scope: undefined,
      expiresAtMs: clock.nowMs(),
      extra: {},
    },
    place,
    undefined,
  );

/** Returns the item as the service writes it for a new connection. */
function itemOf(
  connectionId: ConnectionId,
  credentials: SealedTokenSet,
  refreshAtMs: number,
): Item {
  const now = { S: new Date().toISOString() };
  return {
    connection_id: { S: connectionId },
    workspace_id: { S: workspaceId },
    integration: { S: integration },
    label: { S: "one of many" },
    config: { M: {} },
    status: { S: "active" },
    credentials: { S: credentials },
    credentials_version: { N: String(firstVersion) },
    expires_at: now,
    created_at: now,
    updated_at: now,
    refresh_shard: { N: String(shardOf(connectionId)) },
    refresh_at: { N: String(Math.floor(refreshAtMs / 1000)) },
  };
}

/** A text with the length of the fleet's credentials. */
const opaque = "x".repeat(700) as SealedTokenSet;
const dayMs = 24 * 60 * 60_000;

/** Returns a connection that is not due for a day or more. */
export const idleItem = (index: number): Item =>
  itemOf(idOf("idle", index), opaque, Date.now() + dayMs * (1 + (index % 1_000) / 1_000));

/** Returns a connection that became due within the last minute. No worker refreshes it. */
export const dueItem = (index: number): Item =>
  itemOf(idOf("due", index), opaque, Date.now() - 1_000 * (2 + (index % 50)));

/** Writes at most 25 items, and repeats the unprocessed ones. */
export async function putItems(
  { dynamoDb, tables }: Pick<LoadEnvironment, "dynamoDb" | "tables">,
  items: readonly Item[],
): Promise<void> {
  let requests: WriteRequest[] = items.map((Item) => ({ PutRequest: { Item } }));
  while (requests.length > 0) {
    const command = new BatchWriteItemCommand({ RequestItems: { [tables.connections]: requests } });
    const { UnprocessedItems = {} }: BatchWriteItemCommandOutput = await dynamoDb.send(command);
    requests = UnprocessedItems[tables.connections] ?? [];
  }
}

export interface StoredConnection extends ConnectionKey {
  readonly credentials: SealedTokenSet;
  readonly version: number;
  readonly status: string;
}

/** Returns all stored connections. */
export async function storedFleet({
  dynamoDb,
  tables,
}: LoadEnvironment): Promise<readonly StoredConnection[]> {
  const stored: StoredConnection[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page: ScanCommandOutput = await dynamoDb.send(
      new ScanCommand({ TableName: tables.connections, ConsistentRead: true, ExclusiveStartKey }),
    );
    for (const item of page.Items ?? []) {
      stored.push({
        connectionId: item.connection_id?.S as ConnectionId,
        workspaceId,
        credentials: item.credentials?.S as SealedTokenSet,
        version: Number(item.credentials_version?.N),
        status: item.status?.S ?? "",
      });
    }
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return stored;
}
