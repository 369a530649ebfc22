import { randomBytes } from "node:crypto";
import { type AttributeValue, ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  type KMSClient,
} from "@aws-sdk/client-kms";
import { credentialsAttribute } from "../functions/adapters/dynamodb/connection-item.ts";
import { type BranchKeys, kmsBranchKeys } from "../functions/adapters/kms/branch-keys.ts";
import {
  type KmsTokenCipherOptions,
  kmsTokenCipher,
} from "../functions/adapters/kms/token-cipher.ts";
import type { ConnectionId, TokenSet, WorkspaceId } from "../functions/domain/model/connection.ts";
import { Secret } from "../functions/domain/model/secret.ts";
import type { TokenCipher } from "../functions/domain/ports/token-cipher.ts";
import { itemBytes } from "./fleet/item-size.ts";

/*
 * The bytes of an item and the requests to KMS of a refresh, in each format: node bench/token-sets.ts
 * The token sets are synthetic, of the lengths that the providers' have.
 */

const nowMs = Date.UTC(2026, 10, 28, 12);
const hourMs = 3_600_000;

const opaque = (length: number): string =>
  randomBytes(length).toString("base64url").slice(0, length);

const jwt = (claims: object): string =>
  [{ typ: "JWT", alg: "RS256", x5t: opaque(27), kid: opaque(27) }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .concat(opaque(342))
    .join(".");

const tokenSet = (
  accessToken: string,
  refreshToken: string,
  others: Partial<TokenSet> = {},
): TokenSet => ({
  accessToken: new Secret(accessToken),
  refreshToken: new Secret(refreshToken),
  tokenType: "Bearer",
  scope: undefined,
  expiresAtMs: nowMs + hourMs,
  extra: {},
  ...others,
});

const google = () => ({
  tokens: tokenSet(`ya29.${opaque(248)}`, `1//0${opaque(99)}`, {
    scope:
      "https://www.googleapis.com/auth/calendar https://www.googleapis.com/auth/gmail.modify https://www.googleapis.com/auth/userinfo.email openid",
    extra: { refresh_token_expires_in: 604_799 },
  }),
  clientId: "407408718192-7v1f2p8qk0h6d4r5m3j9s1t2u8w7x6y5.apps.googleusercontent.com",
  origin: "https://oauth2.googleapis.com",
  path: "/token",
});

const microsoft = () => ({
  tokens: tokenSet(
    jwt({
      ...{
        aud: "00000003-0000-0000-c000-000000000000",
        iss: "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/",
      },
      ...{ iat: 1764331200, nbf: 1764331200, exp: 1764336099, acct: 0, acr: "1", ver: "1.0" },
      aio: opaque(120),
      ...{
        amr: ["pwd", "mfa"],
        app_displayname: "Acme Sync",
        appid: "8f1c9f0e-4f0b-4a57-9f6a-0c7b7c2f6e11",
      },
      ...{
        family_name: "Doe",
        given_name: "Jane",
        idtyp: "user",
        ipaddr: "203.0.113.9",
        name: "Jane Doe",
      },
      ...{ oid: "6b1f2a90-1c2d-4e3f-8a9b-0c1d2e3f4a5b", puid: "10032001A2B3C4D5", rh: opaque(60) },
      scp: "Calendars.ReadWrite Mail.ReadWrite Mail.Send MailboxSettings.Read offline_access openid profile User.Read email",
      ...{
        sub: opaque(43),
        tenant_region_scope: "EU",
        tid: "72f988bf-86f1-41af-91ab-2d7cd011db47",
      },
      ...{
        unique_name: "jane@contoso.com",
        upn: "jane@contoso.com",
        uti: opaque(22),
        wids: ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
      },
      xms_st: { sub: opaque(43) },
      xms_tcdt: 1_400_000_000,
    }),
    `1.${opaque(1_650)}`,
    {
      scope:
        "Calendars.ReadWrite Mail.ReadWrite Mail.Send MailboxSettings.Read offline_access openid profile User.Read email",
      extra: { ext_expires_in: 4_899 },
    },
  ),
  clientId: "8f1c9f0e-4f0b-4a57-9f6a-0c7b7c2f6e11",
  origin: "https://login.microsoftonline.com",
  path: "/common/oauth2/v2.0/token",
});

const salesforce = () => ({
  tokens: tokenSet(`00D5g000004${opaque(101)}`, `5Aep861${opaque(80)}`, {
    scope: "refresh_token api full",
    extra: {
      signature: opaque(44),
      instance_url: "https://acme--sandbox.my.salesforce.com",
      id: "https://login.salesforce.com/id/00D5g000004AbCdEAK/0055g000001XyZaAAK",
      issued_at: "1764331200000",
      api_instance_url: "https://api.salesforce.com",
    },
  }),
  clientId: opaque(85),
  origin: "https://login.salesforce.com",
  path: "/services/oauth2/token",
});

/** KMS's `CiphertextBlob` of a 256-bit key has 184 bytes; this one holds the key in the clear. */
function countingKms() {
  const counts = { requests: 0 };
  const blobOf = (key: Uint8Array) => Buffer.concat([key, Buffer.alloc(152, 7)]);
  const client = {
    async send(command: unknown) {
      counts.requests += 1;
      if (command instanceof DecryptCommand) {
        return { Plaintext: Uint8Array.from(command.input.CiphertextBlob?.subarray(0, 32) ?? []) };
      }
      const key = randomBytes(32);
      if (command instanceof GenerateDataKeyCommand) {
        return { Plaintext: Uint8Array.from(key), CiphertextBlob: blobOf(key) };
      }
      if (command instanceof GenerateDataKeyWithoutPlaintextCommand) {
        return { CiphertextBlob: blobOf(key), KeyId: "key" };
      }
      throw new TypeError("not a command of the service");
    },
  };
  return { counts, client: client as unknown as KMSClient };
}

/** A table of branch keys that several processes share. */
function branchKeyTable() {
  const items = new Map<string, Record<string, AttributeValue>>();
  const client = {
    async send({ input }: { input: { Key?: Item; Item?: Item } }) {
      const { Key, Item } = input;
      const id = (Key ?? Item)?.branch_key_id?.S ?? "";
      if (Item !== undefined && items.has(id)) {
        throw new ConditionalCheckFailedException({ $metadata: {}, message: "it is there" });
      }
      if (Item !== undefined) items.set(id, Item);
      return { Item: items.get(id) };
    },
  };
  type Item = Record<string, AttributeValue>;
  return { client: client as never, tableName: "branch-keys" };
}

interface Process {
  readonly cipher: TokenCipher;
}

const forms = {
  "format 1": { format: 1 },
  "format 2, data key of each connection": { format: 2, keySource: "connection" },
  "format 2": { format: 2, keySource: "branch" },
} as const satisfies Record<string, Partial<KmsTokenCipherOptions>>;
type Form = (typeof forms)[keyof typeof forms];

function processesOf(form: Form) {
  const { counts, client } = countingKms();
  const clock = { now: nowMs };
  const table = branchKeyTable();
  const wrapping = { client, keyId: "key", clock: { nowMs: () => clock.now } };
  const newProcess = (): Process => {
    const branchKeys: BranchKeys = kmsBranchKeys({
      ...wrapping,
      table,
      stage: "main",
      branches: 16,
    });
    return { cipher: kmsTokenCipher({ ...wrapping, branchKeys, ...form }) };
  };
  return { counts, clock, newProcess };
}

const contextOf = (index: number) => ({
  connectionId: `conn_01JDQ5ZK3V8T6W2X9Y4R7N${String(index).padStart(4, "0")}` as ConnectionId,
  workspaceId: `wsp_01JDQ5ZK3V8T6W2X9Y4R7${String(index % 100).padStart(3, "0")}` as WorkspaceId,
  version: nowMs,
});

/** A connection that was refreshed, at rest. */
const itemAround = (credentials: AttributeValue): Record<string, AttributeValue> => ({
  connection_id: { S: contextOf(1).connectionId },
  workspace_id: { S: contextOf(1).workspaceId },
  integration: { S: "google" },
  user_id: { S: "user_01JDQ5ZK3V8T6W2X9Y4R7N1M0B" },
  config: { M: {} },
  status: { S: "active" },
  credentials_version: { N: String(nowMs) },
  expires_at: { S: "2026-11-28T13:00:00Z" },
  refresh_shard: { N: "37" },
  refresh_at: { N: String(nowMs / 1000) },
  last_refreshed_at: { S: "2026-11-28T12:00:00.123Z" },
  created_at: { S: "2026-11-01T12:00:00Z" },
  updated_at: { S: "2026-11-28T12:00:00Z" },
  credentials,
});

async function sizes(form: Form, isBound = true): Promise<readonly number[]> {
  const { cipher } = processesOf(form).newProcess();
  const bytes = [google(), microsoft(), salesforce()].map(async ({ tokens, ...binding }) => {
    const sealed = await cipher.seal(tokens, contextOf(1), isBound ? binding : undefined);
    return itemBytes(itemAround(credentialsAttribute(sealed)));
  });
  return Promise.all(bytes);
}

/** Each connection is refreshed once an hour, by one of several processes. */
async function requestsPerRefresh(form: Form, { processes = 10, connections = 1_000, hours = 24 }) {
  const { counts, clock, newProcess } = processesOf(form);
  const all = Array.from({ length: processes }, newProcess);
  const { tokens, ...binding } = google();
  const processOf = (index: number, hour: number) => all[(index * 7 + hour * 3) % processes];
  const stored = await Promise.all(
    Array.from({ length: connections }, (_, index) =>
      processOf(index, 0)?.cipher.seal(tokens, contextOf(index), binding),
    ),
  );
  counts.requests = 0;
  for (let hour = 0; hour < hours; hour++) {
    for (let index = 0; index < connections; index++) {
      clock.now = nowMs + hour * hourMs + Math.floor((index * hourMs) / connections);
      const sealed = stored[index];
      const at = { ...contextOf(index), version: nowMs + hour };
      const opened = sealed && (await processOf(index, hour)?.cipher.open(sealed, at));
      stored[index] = await opened?.seal(tokens, { version: at.version + 1, binding });
    }
  }
  return counts.requests / (connections * hours);
}

console.log("format 1, unbound", ...(await sizes(forms["format 1"], false)));
for (const [name, form] of Object.entries(forms)) {
  const [g, m, s] = await sizes(form);
  const requests = await requestsPerRefresh(form, {});
  console.log(
    `${name.padEnd(38)} Google ${g} B, Microsoft ${m} B, Salesforce ${s} B; ${requests.toFixed(3)} KMS requests a refresh`,
  );
}
