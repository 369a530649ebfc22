import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

/**
 * The floor: the refresh endpoint as written by hand in an hour. It gets the item, requests tokens and
 * updates the item. It stores plaintext tokens and has no lease, no fence, no deadline and no validation.
 * The service's cost is measured against it.
 */
const dynamodb = new DynamoDBClient({});
const secretsManager = new SecretsManagerClient({});
const TableName = process.env.CONNECTIONS_TABLE;
let registration: { client_id: string; client_secret: string; token_endpoint: string } | undefined;

export const handler = async (event: { pathParameters: { connection_id: string } }) => {
  const Key = { connection_id: { S: event.pathParameters.connection_id } };
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key }));
  registration ??= JSON.parse(
    (
      await secretsManager.send(
        new GetSecretValueCommand({
          SecretId: `${process.env.SECRET_PREFIX}/integrations/${Item?.integration?.S}`,
        }),
      )
    ).SecretString ?? "",
  );
  const response = await fetch(registration?.token_endpoint ?? "", {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: Item?.refresh_token?.S ?? "",
      client_id: registration?.client_id ?? "",
      client_secret: registration?.client_secret ?? "",
    }),
  });
  const tokens = (await response.json()) as {
    access_token: string;
    refresh_token: string;
    expires_in: number;
  };
  const expiresAt = new Date(Date.now() + tokens.expires_in * 1000).toISOString();
  await dynamodb.send(
    new UpdateItemCommand({
      TableName,
      Key,
      UpdateExpression: "SET access_token = :a, refresh_token = :r, expires_at = :e",
      ExpressionAttributeValues: {
        ":a": { S: tokens.access_token },
        ":r": { S: tokens.refresh_token },
        ":e": { S: expiresAt },
      },
    }),
  );
  return { statusCode: 200, body: JSON.stringify({ status: "success", expires_at: expiresAt }) };
};
