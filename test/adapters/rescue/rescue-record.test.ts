import { pack } from "../../../functions/adapters/kms/packed-jwe.ts";
import {
  InvalidRescueRecord,
  parseRescueRecord,
  rescueRecord,
} from "../../../functions/adapters/rescue/rescue-record.ts";

const record = {
  connection_id: "conn_1",
  workspace_id: "wsp_1",
  expected_version: 7,
  version: 1_760_871_600_123,
  credentials: "eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn",
  expires_at: "2025-10-19T12:00:00.000Z",
  refresh_token_expires_at: "2026-10-19T12:00:00.000Z",
  refresh_token_absolute_expires_at: "2027-10-19T12:00:00.000Z",
  committed_at: "2025-10-19T11:00:00.123Z",
  status: "active",
  due: { refresh_at: "2025-10-19T11:50:00.000Z", refresh_shard: 3 },
};

it.each([
  ["with everything", record],
  [
    "with all unknown members null",
    {
      ...record,
      ...{ expires_at: null, refresh_token_expires_at: null },
      ...{ refresh_token_absolute_expires_at: null, due: null },
    },
  ],
])("a record %s is read and written unchanged", (_, members) => {
  expect(rescueRecord(parseRescueRecord(members))).toEqual(members);
  expect(rescueRecord(parseRescueRecord(JSON.stringify(members)))).toEqual(members);
});

it("the other members of a log line are ignored, and absent ones are unknown", () => {
  const { due, expires_at, ...known } = record;
  const line = { level: "CRITICAL", code: "commit.last_resort", ...known };
  expect(parseRescueRecord(JSON.stringify(line))).toMatchObject({
    connectionId: "conn_1",
    expectedVersion: 7,
    expiresAtMs: undefined,
    refreshTokenExpiresAtMs: Date.UTC(2026, 9, 19, 12),
    committedAtMs: Date.UTC(2025, 9, 19, 11, 0, 0, 123),
    due: undefined,
  });
});

it.each([
  ["connection_id", "conn 1"],
  ["connection_id", undefined],
  ["workspace_id", ""],
  ["expected_version", "7"],
  ["expected_version", -1],
  ["expected_version", 1.5],
  ["credentials", "[redacted]"],
  ["credentials", "a.b.c"],
  ["credentials", { access_token: "plain" }],
  ["expires_at", 1_760_875_200_000],
  ["expires_at", "2025-10-19"],
  ["refresh_token_absolute_expires_at", "2026"],
  ["refresh_token_expires_at", "2025-13-45T99:00:00Z"],
  ["committed_at", null],
  ["status", "dead"],
  ["due", "soon"],
  ["due", { refresh_at: "2025-10-19T11:50:00Z" }],
])("a record with %s %j is refused, and the error names the member", (name, value) => {
  const read = () => parseRescueRecord({ ...record, [name]: value });
  expect(read).toThrow(InvalidRescueRecord);
  expect(read).toThrow(
    new RegExp(`^not a rescue record: ${name}(?:\\.\\w+)?: (?:expected [^;]+|required)$`),
  );
});

it("a packed token set is in the record as base64url", () => {
  const credentials = pack("eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn");
  expect(parseRescueRecord({ ...record, credentials })).toMatchObject({ credentials });
});

it("the error names every member at fault, and shows no value", () => {
  const read = () => parseRescueRecord({ credentials: "plain-token", status: "plain-status" });
  expect(read).toThrow(
    /connection_id.*workspace_id.*expected_version.*credentials.*committed_at.*status/,
  );
  expect(read).not.toThrow(/plain/);
});

it.each(["", "not JSON", "[]", "null", '"text"', "7"])("%p is not a record", (text) => {
  expect(() => parseRescueRecord(text)).toThrow(
    /^not a rescue record: expected (?:JSON|an object)$/,
  );
});
