import { isConnectionId } from "../../functions/domain/model/connection.ts";
import {
  RefreshError,
  type RefreshErrorCode,
  refreshErrors,
} from "../../functions/domain/model/errors.ts";
import type { RefreshRequest } from "../../functions/domain/refresh/dependencies.ts";
import type { RefreshConnection } from "../../functions/domain/refresh.ts";
import { apiHandler } from "../../functions/handlers/api.ts";
import { lambdaContext } from "../support/lambda-events.ts";
import { recordedLog } from "../support/recorded-log.ts";

const expiresAtMs = Date.UTC(2025, 9, 19, 12);

function invoked(fails?: unknown) {
  const requests: RefreshRequest[] = [];
  const { log, lines } = recordedLog();
  const refreshConnection: RefreshConnection = async (request) => {
    requests.push(request);
    if (fails instanceof RefreshError) return { kind: "failed", error: fails, followUp: "none" };
    if (fails !== undefined) throw fails;
    if (!isConnectionId(request.connectionId)) throw new Error("unchecked");
    return { kind: "still_valid", connectionId: request.connectionId, expiresAtMs };
  };
  const clock = { nowMs: () => 0, sleep: async () => undefined };
  const handler = apiHandler({ refreshConnection, log, clock });
  return { invoke: (payload: unknown) => handler(payload, lambdaContext), requests, lines };
}

const payload = { connection_id: "conn_1", workspace_id: "wsp_1", min_ttl_seconds: 600 };
const event = {
  version: "0",
  id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
  "detail-type": "refresh",
  source: "test",
  detail: payload,
};

describe("a direct invocation", () => {
  it.each([
    ["the payload", payload],
    ["an event's detail", event],
  ])("by %s refreshes, and responds with the outcome", async (_, given) => {
    const { invoke, requests, lines } = invoked();
    await expect(invoke(given)).resolves.toEqual({
      status: "success",
      connection_id: "conn_1",
      expires_at: "2025-10-19T12:00:00Z",
      outcome: "still_valid",
    });
    expect(requests).toEqual([
      expect.objectContaining({
        connectionId: "conn_1",
        workspaceId: "wsp_1",
        minTtlSeconds: 600,
        force: undefined,
      }),
    ]);
    expect(requests[0]?.invocation.remainingMs()).toBe(25_000);
    expect(lines).toEqual([
      {
        code: "invocation.answered",
        members: { connection_id: "conn_1", workspace_id: "wsp_1", outcome: "still_valid" },
      },
    ]);
  });

  it("may force", async () => {
    const { invoke, requests } = invoked();
    await invoke({ connection_id: "conn_1", workspace_id: "wsp_1", force: true });
    expect(requests).toEqual([expect.objectContaining({ force: true })]);
  });
});

describe("a malformed one is rejected, and every field at fault named", () => {
  it.each([
    [{}, ["payload.connection_id: Field required", "payload.workspace_id: Field required"]],
    [null, ["payload: "]],
    ["conn_1", ["payload: "]],
    [[payload], ["payload: "]],
    [{ ...payload, connection_id: 7 }, ["payload.connection_id: "]],
    [{ ...payload, workspace_id: "wsp 1" }, ["payload.workspace_id: "]],
    [{ ...payload, min_ttl_seconds: "600" }, ["payload.min_ttl_seconds: "]],
    [{ ...payload, force: true }, ["payload: Value error, min_ttl_seconds and force"]],
    [{ ...payload, connectionId: "conn_1" }, ["payload.connectionId: Extra inputs"]],
    [
      { ...event, detail: { workspace_id: "" } },
      ["detail.connection_id: ", "detail.workspace_id: "],
    ],
    [{ ...event, detail: "conn_1" }, ["detail: "]],
    [{ httpMethod: "POST" }, ["payload.httpMethod: "]],
  ])("%j", async (given, names) => {
    const { invoke, requests, lines } = invoked();
    const rejection = invoke(given);
    await expect(rejection).rejects.toThrow(/^invalid invocation: /);
    for (const name of names) await expect(rejection).rejects.toThrow(name);
    expect(requests).toEqual([]);
    expect(lines.map(({ code }) => code)).toEqual(["invocation.rejected"]);
  });
});

describe("a failure", () => {
  const codes = Object.keys(refreshErrors) as RefreshErrorCode[];
  const mendedBy = (retry: (value: string) => boolean) =>
    codes.filter((code) => retry(refreshErrors[code].retry));

  it.each(mendedBy((retry) => retry === "never"))(
    "that only a person can mend is the response: %s",
    async (code) => {
      const { invoke, lines } = invoked(new RefreshError(code));
      await expect(invoke(payload)).resolves.toEqual({
        status: "error",
        connection_id: "conn_1",
        code,
        detail: refreshErrors[code].detail,
      });
      expect(lines.map(({ members }) => members.outcome)).toEqual([code]);
    },
  );

  it.each(mendedBy((retry) => retry !== "never"))(
    "that is transient is thrown: %s",
    async (code) => {
      const { invoke, lines } = invoked(new RefreshError(code));
      await expect(invoke(payload)).rejects.toThrow(`${code}: ${refreshErrors[code].detail}`);
      expect(lines.map((line) => line.code)).toEqual(["invocation.failed"]);
    },
  );

  it("is thrown without its cause, because Lambda logs a thrown error", async () => {
    const cause = new Error("canary");
    for (const error of [new RefreshError("store_unavailable", { cause }), cause]) {
      const thrown: unknown = await invoked(error)
        .invoke(payload)
        .catch((caught: unknown) => caught);
      expect(thrown).toBeInstanceOf(Error);
      expect(thrown).not.toHaveProperty("cause");
      expect(String(thrown)).not.toContain("canary");
    }
  });
});
