import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { startSecretsManager } from "../../../bin/local/secrets-manager.ts";
import {
  type SecretsClientRegistryOptions,
  secretsClientRegistry,
} from "../../../functions/adapters/secrets-manager/client-registry.ts";
import { secretsRegistrationAdmin } from "../../../functions/adapters/secrets-manager/registration-admin.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import {
  MisconfiguredRegistration,
  StoreUnavailable,
} from "../../../functions/domain/model/errors.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import { localSecretsManagerClient, manualClock } from "../../support/local-aws-clients.ts";

const name = "integrations/acme" as RegistrationName;
const prefix = "prefix";
let secretsManager: Awaited<ReturnType<typeof startSecretsManager>>;
let client: SecretsManagerClient;
beforeEach(async () => {
  secretsManager = await startSecretsManager();
  client = localSecretsManagerClient(secretsManager.endpoint);
});
afterEach(async () => {
  client.destroy();
  await secretsManager.close();
});

const put = (clientSecret: string) =>
  secretsRegistrationAdmin({ client, prefix }).put(name, {
    clientId: "client",
    clientSecret: new Secret(clientSecret),
    tokenEndpoint: "https://acme.example/token",
  });
const newRegistry = (options: Partial<SecretsClientRegistryOptions> = {}) =>
  secretsClientRegistry({ client, prefix, clock: manualClock(), ...options });
const reads = () => secretsManager.requests().GetSecretValue ?? 0;

test("a registration is read from its secret, with RFC 7591's defaults", async () => {
  await put("s-1");
  const { clientSecret, version, ...registration } = await newRegistry().registration(name);
  expect(clientSecret?.reveal()).toBe("s-1");
  expect(version).toEqual(expect.any(String));
  expect(registration).toEqual({
    name,
    clientId: "client",
    tokenEndpointAuthMethod: "client_secret_basic",
    authMethodIsAssumed: true,
    tokenEndpoint: "https://acme.example/token",
    refreshPolicy: "proactive",
    refreshTokenIdleSeconds: undefined,
    renewsWithAccessToken: false,
    provider: {},
  });
});

test("a hundred simultaneous calls share one read, and another follows after the maximum age", async () => {
  await put("s-1");
  const clock = manualClock();
  const registry = newRegistry({ clock, maxAgeMs: 60_000 });
  await Promise.all(Array.from({ length: 100 }, () => registry.registration(name)));
  clock.advance(59_999);
  await registry.registration(name);
  expect(reads()).toBe(1);
  clock.advance(1);
  await registry.registration(name);
  expect(reads()).toBe(2);
});

test("a forced read begins after the call, and sees a secret that was rotated under the cache", async () => {
  await put("s-1");
  const registry = newRegistry();
  const before = await registry.registration(name);
  await put("s-2");
  expect((await registry.registration(name)).clientSecret?.reveal()).toBe("s-1");
  const after = await registry.registration(name, 0);
  expect(after.clientSecret?.reveal()).toBe("s-2");
  expect(after.version).not.toBe(before.version);
  expect((await registry.registration(name)).clientSecret?.reveal()).toBe("s-2");
});

test("a burst of forced reads costs two requests", async () => {
  await put("s-1");
  const registry = newRegistry();
  await Promise.all(Array.from({ length: 100 }, () => registry.registration(name, 0)));
  expect(reads()).toBeLessThanOrEqual(2);
});

test("a stale registration is used for an hour while Secrets Manager does not respond, but not by a forced read", async () => {
  await put("s-1");
  const clock = manualClock();
  const registry = newRegistry({ clock, maxAgeMs: 60_000 });
  await registry.registration(name);
  await secretsManager.close();
  clock.advance(60_000);
  expect((await registry.registration(name)).clientSecret?.reveal()).toBe("s-1");
  await expect(registry.registration(name, 0)).rejects.toThrow(StoreUnavailable);
  clock.advance(60 * 60_000);
  await expect(registry.registration(name)).rejects.toThrow(StoreUnavailable);
});

test("a registration that was never read is unavailable while Secrets Manager does not respond", async () => {
  await secretsManager.close();
  await expect(newRegistry().registration(name)).rejects.toThrow(StoreUnavailable);
});

test("an absent secret is a misconfiguration, and is read again soon", async () => {
  const clock = manualClock();
  const registry = newRegistry({ clock });
  await expect(registry.registration(name)).rejects.toThrow(MisconfiguredRegistration);
  await put("s-1");
  await expect(registry.registration(name)).rejects.toThrow(MisconfiguredRegistration);
  clock.advance(2_000);
  expect((await registry.registration(name)).clientId).toBe("client");
});

describe("the administration", () => {
  const admin = () => secretsRegistrationAdmin({ client, prefix });

  test("reports created or replaced, and lists an unusable registration with the reason", async () => {
    expect(await put("s-1")).toMatchObject({ outcome: "created" });
    expect(await put("s-2")).toMatchObject({ outcome: "replaced" });
    expect(await admin().list()).toMatchObject([{ name, registration: { clientId: "client" } }]);
    expect((await admin().show(name)).clientSecret?.reveal()).toBe("s-2");
  });

  test("stores no registration that could not be used", async () => {
    const draft = {
      clientId: "client",
      tokenEndpoint: "canary",
      clientSecret: new Secret("canary"),
    };
    const putting = admin().put(name, draft);
    await expect(putting).rejects.toThrow(MisconfiguredRegistration);
    await expect(putting).rejects.toThrow("token_endpoint");
    await expect(putting).rejects.not.toThrow("canary");
    expect(await admin().list()).toEqual([]);
  });
});
