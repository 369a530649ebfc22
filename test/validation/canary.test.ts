import { inspect } from "node:util";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { parseClientRegistration } from "../../functions/adapters/client-registration/client-registration.ts";
import { connectionOf } from "../../functions/adapters/dynamodb/connection-item.ts";
import { parseTokenSet } from "../../functions/adapters/kms/token-set-json.ts";
import { replaceableMembers } from "../../functions/adapters/provider-catalogue/provider-fields.ts";
import { parseRescueRecord } from "../../functions/adapters/rescue/rescue-record.ts";
import { parseRefreshMessage } from "../../functions/adapters/sqs/refresh-message.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import { parseRequest } from "../../functions/handlers/refresh-request.ts";
import { proxyEvent } from "../support/lambda-events.ts";
import { assertProperty } from "../support/property.ts";

/*
 * Whatever comes from outside may hold a secret, in any member. Each reader is given objects with the members that it
 * knows, whose values are canaries: none of its errors may show one, in its message or in its properties.
 */

const canary = "canary-7e57ab1e";
const canaryDigits = 424_242_424_242;

/** A line break at the end: no member may have one. */
const leaf = fc.constantFrom<unknown>(
  ...[canary, `${canary}\n`, canaryDigits, [canary], { key: canary }, null],
);

const objectOf = (names: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.dictionary(fc.constantFrom(...names), fc.oneof(leaf, nested, fc.array(nested)), {
    maxKeys: names.length,
  });

/** The names that members of members have. */
const nested = fc.dictionary(
  fc.constantFrom("as", "at", "from", "is", "keys", "kid", "kty", "means", "member", "pattern"),
  fc.oneof(leaf, fc.constantFrom("seconds", "dead", "RSA", "^a$")),
);

const attribute = fc.constantFrom<AttributeValue>(
  { S: canary },
  { N: String(canaryDigits) },
  { L: [{ S: canary }] },
  { M: { code: { S: canary }, count: { S: canary } } },
);

const registrationMembers = [
  ...replaceableMembers,
  ...["provider", "client_id", "client_secret", "token_endpoint_auth_method", "token_endpoint"],
  ...["refresh_endpoint", "issuer", "refresh_policy", "config", "redirect_uri", "scope", "jwks"],
  ...["private_key", "private_key_id", "token_endpoint_auth_signing_alg", "dpop_signing_alg"],
  ...["token_endpoint_auth_audience", "dpop_bound_access_tokens", "tls_client_certificate"],
  ...["tls_client_private_key"],
];
const recordMembers = [
  ...["connection_id", "workspace_id", "integration", "refresh_at", "expected_version"],
  ...["credentials", "expires_at", "committed_at", "status", "due"],
];
const tokenMembers = ["access_token", "refresh_token", "token_type", "scope", "expires_at"];

type Reader = readonly [name: string, members: readonly string[], read: (value: object) => unknown];

const readers: readonly Reader[] = [
  [
    "a client registration",
    registrationMembers,
    (value) => parseClientRegistration("a" as RegistrationName, "1", JSON.stringify(value)),
  ],
  ["a refresh message", recordMembers, (value) => parseRefreshMessage(JSON.stringify(value))],
  ["a rescue record", recordMembers, parseRescueRecord],
  ["a token set", [...tokenMembers, "dpop_jwk"], (value) => parseTokenSet(JSON.stringify(value))],
  [
    "a request",
    ["min_ttl_seconds", "force"],
    (body) => parseRequest({ ...proxyEvent({ connectionId: "conn 1" }), body }),
  ],
];

const itemAttributes = [
  ...["workspace_id", "integration", "client_registration", "status", "config", "credentials"],
  ...["credentials_version", "expires_at", "lease_id", "lease_expires_at_ms", "failure"],
];

const textReaders: readonly ((text: string) => unknown)[] = [
  (text) => parseClientRegistration("a" as RegistrationName, "1", text),
  parseRefreshMessage,
  parseRescueRecord,
  parseTokenSet,
];

function expectNoCanary(error: unknown): void {
  const shown = `${error} ${JSON.stringify(error)} ${inspect(error, { depth: 10 })}`;
  expect(shown).not.toContain(canary);
  expect(shown).not.toContain(String(canaryDigits));
}

test("no error of a stored connection shows a value", () => {
  const item = fc.dictionary(fc.constantFrom(...itemAttributes), attribute, { minKeys: 1 });
  assertProperty(
    "value",
    fc.property(item, (attributes) => {
      try {
        connectionOf({ connection_id: { S: "conn_1" }, ...attributes });
      } catch (error) {
        expectNoCanary(error);
      }
    }),
  );
});

test.each(["", "{", `{"client_secret":"${canary}`, `"${canary}"`, `[${canaryDigits}]`])(
  "no error of the text %j shows it",
  (text) => {
    for (const read of textReaders) {
      let error: unknown;
      try {
        read(text);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(Error);
      expectNoCanary(error);
    }
  },
);

test.each(readers)("no error of %s shows a value", (_, members, read) => {
  let errors = 0;
  assertProperty(
    "value",
    fc.property(objectOf(members), (value) => {
      try {
        read(value);
      } catch (error) {
        errors++;
        expectNoCanary(error);
      }
    }),
  );
  expect(errors).toBeGreaterThan(0);
});
