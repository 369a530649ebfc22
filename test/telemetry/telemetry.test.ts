import { pack } from "../../functions/adapters/kms/packed-jwe.ts";
import { parseRescueRecord, rescueRecord } from "../../functions/adapters/rescue/rescue-record.ts";
import {
  isConnectionId,
  isWorkspaceId,
  type SealedTokenSet,
} from "../../functions/domain/model/connection.ts";
import type { TokenSetCommit } from "../../functions/domain/ports/connection-store.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import { createLogger, logLines, logTo } from "../../functions/telemetry/log.ts";
import { createMetrics } from "../../functions/telemetry/metrics.ts";
import { requestScope } from "../../functions/telemetry/request-scope.ts";
import { telemetry } from "../../functions/telemetry/telemetry.ts";
import { capturedOutput } from "../support/captured-output.ts";

afterEach(() => jest.restoreAllMocks());

type Line = Readonly<Record<string, unknown>>;

const ids = { requestId: "gateway-1", lambdaRequestId: "lambda-1" };
const connectionId = "conn_1";
const workspaceId = "wsp_1";
if (!isConnectionId(connectionId) || !isWorkspaceId(workspaceId)) throw new Error("test data");
const key = { connectionId, workspaceId };

const sealed = "eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn" as SealedTokenSet;
const commit: TokenSetCommit = {
  ...key,
  expectedVersion: 7,
  version: 8,
  credentials: sealed,
  expiresAtMs: Date.UTC(2025, 9, 19, 12),
  refreshTokenExpiresAtMs: undefined,
  refreshTokenAbsoluteExpiresAtMs: undefined,
  committedAtMs: Date.UTC(2025, 9, 19, 11, 0, 0, 123),
  status: "active",
  due: { refreshAtMs: Date.UTC(2025, 9, 19, 11, 50), refreshShard: 3 },
};

/** The lines and the metrics that an event leads to. */
function told(event: RefreshEvent): { readonly lines: Line[]; readonly metrics: Line[] } {
  const output = capturedOutput();
  const log = logTo(
    createLogger({ service: "test", logLevel: "DEBUG", ids: () => requestScope.getStore() }),
  );
  requestScope.run(ids, () =>
    telemetry({ log, metrics: createMetrics("test"), rescueRecord }).emit(event),
  );
  const all = output.lines().map((line): Line => JSON.parse(line));
  return {
    lines: all.filter((line) => !("_aws" in line)),
    metrics: all.filter((line) => "_aws" in line),
  };
}

const refreshFailed: RefreshEvent = {
  ...key,
  code: "refresh.failed",
  integration: "acme",
  failure: "provider_error",
  reason: "unknown error",
  providerError: "server_error",
  providerErrorDescription: "try later",
};

const cause = new Error("no answer");
const events: RefreshEvent[] = [
  {
    ...key,
    code: "refresh.refreshed",
    integration: "acme",
    version: 8,
    expiresAtMs: Date.UTC(2025, 9, 19, 12),
    assumedFrom: undefined,
    rotated: true,
    commitGapMs: 4,
    notes: ["no token_type"],
  },
  { ...key, code: "refresh.coalesced" },
  { ...key, code: "refresh.still_valid" },
  refreshFailed,
  { ...key, code: "token_request.retried", reason: "503", delayMs: 200 },
  { ...key, code: "schedule.postponed", integration: "acme", reason: "integration_held" },
  { ...key, code: "schedule.out_of_date" },
  { ...key, code: "lease.lost" },
  { ...key, code: "lease.unreleased", cause },
  { ...key, code: "failure.unrecorded", cause },
  { ...key, code: "credentials.unreadable", cause },
  { ...key, code: "commit.retried", attempt: 2, cause },
  { ...key, code: "commit.superseded", expectedVersion: 7, credentials: sealed },
  { ...key, code: "commit.rescued" },
  { ...key, code: "commit.last_resort", commit },
  { ...key, code: "rescue.committed", version: 8 },
  { ...key, code: "rescue.superseded", expectedVersion: 7, credentials: sealed },
  { ...key, code: "rescue.absent" },
];

describe("the telemetry", () => {
  it.each(events)(
    "$code: one line, with its level and the ids of connection and request",
    (event) => {
      const { lines } = told(event);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({
        code: event.code,
        level: logLines[event.code].level.toUpperCase(),
        message: logLines[event.code].message,
        service: "test",
        connection_id: connectionId,
        workspace_id: workspaceId,
        request_id: "gateway-1",
        lambda_request_id: "lambda-1",
      });
    },
  );

  it("an error behind an event is logged under its name", () => {
    const [line] = told({ ...key, code: "commit.retried", attempt: 2, cause }).lines;
    expect(line).toMatchObject({ attempt: 2, error: { name: "Error", message: "no answer" } });
  });

  it("never throws, not even for an event that cannot be read", () => {
    const hostile = {
      get name() {
        throw new Error("unreadable");
      },
    };
    const notes = [hostile] as unknown as string[];
    const [refreshed] = events;
    if (refreshed?.code !== "refresh.refreshed") throw new Error("test data");
    expect(() => told({ ...refreshed, notes })).not.toThrow();
  });
});

describe("metrics", () => {
  it.each([
    ["refresh.refreshed", { Refreshed: 1, CommitGap: 4 }],
    ["refresh.coalesced", { Coalesced: 1 }],
    ["refresh.still_valid", { StillValid: 1 }],
    ["commit.rescued", { CommitRescued: 1 }],
    ["commit.last_resort", { LastResort: 1 }],
  ])("%s counts, by service alone", (code, values) => {
    const event = events.find((candidate) => candidate.code === code);
    if (event === undefined) throw new Error("test data");
    const { metrics } = told(event);
    expect(metrics).toHaveLength(1);
    expect(metrics[0]).toMatchObject({
      ...values,
      service: "test",
      _aws: { CloudWatchMetrics: [{ Namespace: "OAuthTokenRefresh", Dimensions: [["service"]] }] },
    });
  });

  it("the commit gap is in milliseconds", () => {
    const [refreshed] = events;
    if (refreshed === undefined) throw new Error("test data");
    expect(JSON.stringify(told(refreshed).metrics)).toContain(
      '{"Name":"CommitGap","Unit":"Milliseconds"}',
    );
  });

  it("failures count by code, and all together", () => {
    expect(told(refreshFailed).metrics).toEqual([
      expect.objectContaining({
        Failed: 1,
        code: "provider_error",
        _aws: expect.objectContaining({
          CloudWatchMetrics: [
            expect.objectContaining({ Dimensions: [["service", "code"], ["service"]] }),
          ],
        }),
      }),
    ]);
  });

  it("nothing else counts", () => {
    expect(told({ ...key, code: "lease.lost" }).metrics).toEqual([]);
  });
});

it.each(["commit.superseded", "rescue.superseded"] as const)(
  "%s keeps the ciphertext of what was overtaken in its line",
  (code) => {
    const [line] = told({ ...key, code, expectedVersion: 7, credentials: sealed }).lines;
    expect(line).toMatchObject({ expected_version: 7, credentials: sealed });
  },
);

describe("the record of last resort", () => {
  it.each([
    ["compact", sealed],
    ["packed", pack(sealed)],
  ])("is read back from its log line as it was, the token set %s", (_, credentials) => {
    const rescued = { ...commit, credentials };
    const [line] = told({ ...key, code: "commit.last_resort", commit: rescued }).lines;
    expect(parseRescueRecord(JSON.stringify(line))).toEqual(rescued);
  });
});

describe("the logger", () => {
  it("keeps to its level, says so with no request about, and redacts", () => {
    const output = capturedOutput();
    const log = logTo(createLogger({ service: "test", logLevel: "WARN", ids: () => undefined }));
    log("request.answered", { status: 200 });
    log("auth.refused", { reason: "key_unknown", headers: { authorization: "Bearer abc" } });
    const [line, ...others] = output.lines();
    expect(others).toEqual([]);
    expect(JSON.parse(line ?? "")).toMatchObject({
      code: "auth.refused",
      headers: { authorization: "[redacted]" },
    });
    expect(line).not.toContain("request_id");
  });

  it("a member cannot pass itself off as the line's level or service", () => {
    const output = capturedOutput();
    const log = logTo(createLogger({ service: "test", logLevel: "INFO", ids: () => ids }));
    log("auth.refused", { request_id: "forged", service: "forged" });
    expect(output.lines().map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ code: "auth.refused", service: "test", request_id: "gateway-1" }),
    );
  });
});
