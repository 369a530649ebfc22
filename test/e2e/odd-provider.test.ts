import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type ProviderStandIn, startProvider } from "../support/provider-stand-in.ts";

const day = 86_400;
let service: LocalService;
let provider: ProviderStandIn;
let serial = 0;
beforeAll(async () => {
  service = await startLocalService();
  provider = await startProvider((response) => {
    const data = { token: `at-${++serial}`, account: "a-1", lifetime_ms: "3600000" };
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ ok: true, data: { ...data, rt: `rt-${serial}` } }));
  });
});
afterAll(async () => {
  await service.stop();
  await provider.close();
});

const put = (connectionId: string, integration: string, options: string, token: string) =>
  service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration ${integration}${options}`,
    token,
  );

test("a provider that is not in the catalogue is described by the fields of its registration", async () => {
  const ends = { as: "milliseconds", member: "lifetime_ms" };
  const fields = {
    parameters_in: "json",
    parameters: { grant_type: null, kind: "renewal", audience: { from: "audience" } },
    variables: { region: { choices: ["eu", "us"] } },
    tokens_at: "data",
    access_token_member: "token",
    refresh_token_member: "rt",
    access_token_end: ends,
    refresh_token_idle_seconds: 30 * day,
    refresh_token_absolute_seconds: 365 * day,
  };
  const sets = Object.entries(fields).map(
    ([name, value]) => `--set ${name}=${JSON.stringify(value)}`,
  );
  const endpoint = `${provider.url.origin}/{region}/token`;
  const shown = await service.admin(
    `integrations put odd --token-endpoint ${endpoint} --client-id c ${sets.join(" ")} --json`,
    "the-secret",
  );
  expect(JSON.parse(shown)).toMatchObject({
    token_endpoint: endpoint,
    refresh_token_absolute_seconds: 365 * day,
  });

  await expect(put("conn_odd", "odd", " --config region=mars", "rt-0")).rejects.toThrow(
    "has a variable whose value does not fit it: region",
  );
  const consented = " --consented-at 2026-01-01T00:00:00Z";
  await put("conn_odd", "odd", ` --config region=eu --config audience=api${consented}`, "rt-0");
  const absolute = "2027-01-01T00:00:00Z";
  expect(await service.show("conn_odd")).toMatchObject({
    refresh_token_absolute_expires_at: absolute,
  });

  expect(await service.refreshAgain("conn_odd")).toMatchObject({ status: 200 });
  expect(await service.refreshAgain("conn_odd")).toMatchObject({ status: 200 });
  expect(provider.requests.map(({ path, body }) => [path, JSON.parse(body)])).toEqual([
    ["/eu/token", { kind: "renewal", refresh_token: "rt-0", audience: "api" }],
    ["/eu/token", { kind: "renewal", refresh_token: "rt-1", audience: "api" }],
  ]);
  expect(await service.show("conn_odd")).toMatchObject({
    refresh_token_absolute_expires_at: absolute,
  });
});

test("an integration needs nothing but an entry of the catalogue, and an unknown entry is named", async () => {
  const shown = await service.admin(
    "integrations put mail --provider google --client-id c --json",
    "s",
  );
  expect(JSON.parse(shown)).toMatchObject({
    provider: "google",
    token_endpoint: "https://oauth2.googleapis.com/token",
  });
  await expect(
    service.admin("integrations put mail --provider gogle --client-id c", "s"),
  ).rejects.toThrow("provider: the catalogue has no entry of this name; similar names: google");
  await expect(service.admin("integrations put none --client-id c", "s")).rejects.toThrow(
    "token_endpoint: required",
  );
});
