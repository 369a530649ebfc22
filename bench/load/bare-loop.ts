import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { serveParent, usedCpuMs } from "./child.ts";

/** A connection of the bare loop, with its plaintext refresh token. */
export interface BareConnection {
  readonly connectionId: string;
  readonly refreshToken: string;
  readonly refreshShard: number;
}

export interface BareWork {
  readonly connections: readonly BareConnection[];
  readonly concurrency: number;
  readonly tableName: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The length of the service's credentials, in characters. */
  readonly credentialsLength: number;
}

/**
 * The floor: sends a token request and writes the item. It has no queue, no lease, no fence, no encryption,
 * no deadline and no log.
 */
const dynamodb = new DynamoDBClient({});

async function refresh(
  { tableName, tokenEndpoint, clientId, clientSecret, credentialsLength }: BareWork,
  { connectionId, refreshToken, refreshShard }: BareConnection,
): Promise<void> {
  const response = await fetch(tokenEndpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
  });
  if (!response.ok) throw new Error(`the provider responded with ${response.status}`);
  const tokens = await response.text();
  const now = new Date();
  const expiresAt = new Date(now.getTime() + JSON.parse(tokens).expires_in * 1000);
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { connection_id: { S: connectionId } },
      UpdateExpression:
        "SET credentials = :c, credentials_version = :v, #status = :s, expires_at = :e, " +
        "last_refreshed_at = :n, updated_at = :n, refresh_shard = :h, refresh_at = :r",
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ":c": { S: tokens.padEnd(credentialsLength) },
        ":v": { N: "2" },
        ":s": { S: "active" },
        ":e": { S: expiresAt.toISOString() },
        ":n": { S: now.toISOString() },
        ":h": { N: String(refreshShard) },
        ":r": { N: String(Math.floor(expiresAt.getTime() / 1000) - 900) },
      },
    }),
  );
}

async function loop(work: BareWork): Promise<void> {
  const waiting = work.connections.values();
  const one = async (): Promise<void> => {
    for (const connection of waiting) await refresh(work, connection);
  };
  await Promise.all(Array.from({ length: work.concurrency }, one));
}

serveParent(undefined, { loop, usage: usedCpuMs });
