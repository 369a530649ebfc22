import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { dynamoDbClient, kmsClient } from "../../functions/adapters/aws/clients.ts";
import type {
  ConnectionId,
  SealedTokenSet,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { apiConfig } from "../../functions/runtime/config.ts";
import { refreshDependencies } from "../../functions/runtime/refresh.ts";
import { runCommand } from "../support/admin-cli.ts";
import { formerTokenCipher } from "../support/former-token-cipher.ts";
import { type LocalAws, startLocalAws } from "../support/local-aws.ts";
import { putItem, tableNames } from "../support/local-dynamodb.ts";
import {
  type ProviderStandIn,
  respondWithJson,
  startProvider,
} from "../support/provider-stand-in.ts";
import { connection } from "../support/refresh-harness.ts";

/*
 * One table, used by the code before format 2 and by this one with either setting: what a deployment, a change of the
 * setting and a rollback do in turn.
 */
const connectionId = "conn_1" as ConnectionId;
const workspaceId = "wsp_1" as WorkspaceId;
let aws: LocalAws;
let provider: ProviderStandIn;
let issued = 0;

beforeAll(async () => {
  aws = await startLocalAws();
  Object.assign(process.env, aws.environment);
  provider = await startProvider((response, request) => {
    const tokens = { access_token: "at", refresh_token: `rt-${++issued}`, token_type: "Bearer" };
    respondWithJson(200, { ...tokens, expires_in: 3600 })(response, request);
  });
  const endpoint = `--token-endpoint ${provider.url} --client-id c`;
  await runCommand(`integrations put acme ${endpoint}`.split(" "), process.env, "secret");
});
afterAll(() => Promise.all([aws.close(), provider.close()]));

/** A process of this code, in which the setting has this value. */
async function refreshWith(format: "1" | "2"): Promise<string> {
  const config = apiConfig({ ...process.env, TOKEN_FORMAT: format });
  const refresh = refreshConnection(refreshDependencies(config, { emit: () => {} }));
  const outcome = await refresh({
    ...{ connectionId, workspaceId, refreshedBeforeMs: Date.now() },
    invocation: { remainingMs: () => 25_000 },
  });
  if (outcome.kind === "failed") throw outcome.error;
  const sent = new URLSearchParams(provider.requests.at(-1)?.body).get("refresh_token");
  return `${outcome.kind} with ${sent}`;
}

async function stored() {
  const { Item = {} } = await dynamoDbClient().send(
    new GetItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: connectionId } },
    }),
  );
  return Item.credentials;
}

test("tokens survive a deployment, the new format, the setting's way back, and a rollback", async () => {
  const former = formerTokenCipher(kmsClient(), aws.kms.keyId);
  const key = { connectionId, workspaceId };
  const credentials = await former.seal({ access_token: "at", refresh_token: "rt-0" }, key);
  await putItem(dynamoDbClient(), connection({ credentials, credentialsVersion: 1 }));

  expect(await refreshWith("1")).toBe("refreshed with rt-0");
  expect(await refreshWith("2")).toBe("refreshed with rt-1");
  expect(await stored()).toEqual({ B: expect.any(Uint8Array) });
  expect(await refreshWith("2")).toBe("refreshed with rt-2");
  expect(await refreshWith("1")).toBe("refreshed with rt-3");

  const sealed = (await stored())?.S as SealedTokenSet;
  expect(await former.open(sealed, key)).toMatchObject({ refresh_token: "rt-4" });
});

test("two processes of different settings take turns", async () => {
  for (const format of ["2", "1", "2", "1"] as const) {
    expect(await refreshWith(format)).toBe(`refreshed with rt-${issued - 1}`);
  }
});
