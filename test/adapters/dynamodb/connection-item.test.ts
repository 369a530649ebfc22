import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  connectionOf,
  MalformedConnection,
} from "../../../functions/adapters/dynamodb/connection-item.ts";
import { isoInstant, isoSecond } from "../../../functions/domain/model/instant.ts";

const item: Readonly<Record<string, AttributeValue>> = {
  connection_id: { S: "conn_1" },
  workspace_id: { S: "wsp_1" },
  integration: { S: "acme" },
  status: { S: "active" },
};

test("absent attributes are undefined, and the registration defaults to the one of the integration", () => {
  expect(connectionOf(item)).toEqual({
    connectionId: "conn_1",
    workspaceId: "wsp_1",
    integration: "acme",
    registrationName: "integrations/acme",
    status: "active",
    config: {},
    credentials: undefined,
    credentialsVersion: 0,
    expiresAtMs: undefined,
    refreshTokenExpiresAtMs: undefined,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    lease: undefined,
    lastRefreshedAtMs: undefined,
    failure: undefined,
  });
});

test("NULL counts as absent", () => {
  const nulls = ["expires_at", "credentials", "config", "client_registration"];
  const withNulls = Object.fromEntries(nulls.map((name) => [name, { NULL: true as const }]));
  expect(connectionOf({ ...item, ...withNulls })).toEqual(connectionOf(item));
});

test("an instant may have fractions of a second", () => {
  for (const text of ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000Z"]) {
    const { expiresAtMs } = connectionOf({ ...item, expires_at: { S: text } });
    expect(expiresAtMs).toBe(Date.UTC(2026, 0, 1, 12));
  }
});

const failure = {
  code: { S: "provider_error" },
  count: { N: "1" },
  began_at: { S: "2026-01-01T12:00:00.000Z" },
  last_at: { S: "2026-01-01T12:00:00.000Z" },
  lease_id: { S: "lease" },
};

test.each<[string, string, AttributeValue | undefined]>([
  ["workspace_id", "workspace_id", undefined],
  ["integration", "integration", { S: "a/../b" }],
  ["status", "status", { S: "canary" }],
  ["config", "config", { S: "canary" }],
  ["credentials", "credentials", { N: "7" }],
  ["credentials_version", "credentials_version", { S: "canary" }],
  ["credentials_version", "credentials_version", { N: "-1" }],
  ["expires_at", "expires_at", { S: "canary" }],
  ["expires_at", "expires_at", { S: "2026-13-01T12:00:00Z" }],
  ["client_registration", "client_registration", { S: "../canary" }],
  ["a lease without an end", "lease_expires_at_ms", undefined],
  ["failure", "failure", { S: "canary" }],
  ["a failure's code", "failure.code", { M: { ...failure, code: { S: "canary" } } }],
  ["a failure's count", "failure.count", { M: { ...failure, count: { S: "canary" } } }],
])("a malformed %s is named in the error, without its value", (_, attribute, value) => {
  const name = attribute.split(".")[0] ?? "";
  const lease = { lease_id: { S: "lease" }, lease_expires_at_ms: { N: "1" } };
  const attributes = Object.entries<AttributeValue>({ ...item, ...lease });
  const others = Object.fromEntries(attributes.filter(([other]) => other !== name));
  const malformed = () => connectionOf(value === undefined ? others : { ...others, [name]: value });
  expect(malformed).toThrow(MalformedConnection);
  expect(malformed).toThrow(
    new RegExp(`^connection conn_1: ${attribute}: (?:expected [^;]+|required)$`),
  );
  expect(malformed).not.toThrow("canary");
});

test("instants are ISO 8601 in UTC, all of the same length", () => {
  const instantMs = Date.UTC(2026, 0, 1, 12, 0, 0, 999);
  expect(isoInstant(instantMs)).toBe("2026-01-01T12:00:00.999Z");
  expect(isoSecond(instantMs)).toBe("2026-01-01T12:00:00Z");
});
