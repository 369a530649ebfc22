import { type ConnectionId, isConnectionId } from "../../functions/domain/model/connection.ts";
import {
  RefreshError,
  type RefreshErrorCode,
  refreshErrors,
} from "../../functions/domain/model/errors.ts";
import type { RefreshRequest } from "../../functions/domain/refresh/dependencies.ts";
import type { RefreshConnection } from "../../functions/domain/refresh.ts";
import { apiHandler } from "../../functions/handlers/api.ts";
import {
  callerOfOneWorkspace,
  gatewayRequestId,
  lambdaContext,
  proxyEvent,
  type RequestParts,
} from "../support/lambda-events.ts";
import { recordedLog } from "../support/recorded-log.ts";

const connection = (id: string): ConnectionId => {
  if (!isConnectionId(id)) throw new Error("test data");
  return id;
};

const json = { "Content-Type": "application/json" };

/** The handler over a domain that remembers what it is asked, and answers as told. */
function api(refresh: RefreshConnection = refreshed) {
  const requests: RefreshRequest[] = [];
  const { log, lines } = recordedLog();
  const instants = [1_000, 1_250];
  const clock = { nowMs: () => instants.shift() ?? 0, sleep: async () => undefined };
  const handler = apiHandler({
    refreshConnection: async (request) => {
      requests.push(request);
      return refresh(request);
    },
    log,
    clock,
  });
  const ask = async (parts: RequestParts = {}) => {
    const answer = await handler(proxyEvent(parts), lambdaContext);
    if (!("statusCode" in answer)) throw new Error("not an HTTP answer");
    return { ...answer, json: JSON.parse(answer.body) };
  };
  return { ask, requests, lines };
}

const refreshed: RefreshConnection = async ({ connectionId }) => ({
  kind: "refreshed",
  connectionId,
  expiresAtMs: Date.UTC(2025, 9, 19, 12, 0, 0, 999),
});

describe("a refresh", () => {
  it.each(["refreshed", "coalesced", "still_valid"] as const)(
    "%s is answered 200",
    async (kind) => {
      const answer = await api(async () => ({
        kind,
        connectionId: connection("conn_1"),
        expiresAtMs: Date.UTC(2025, 9, 19, 12, 0, 0, 999),
      })).ask();
      expect(answer).toMatchObject({
        statusCode: 200,
        headers: {
          "Content-Type": "application/json",
          "Cache-Control": "no-store",
          "X-Refresh-Outcome": kind,
        },
      });
      expect(answer.json).toEqual({
        status: "success",
        connection_id: "conn_1",
        expires_at: "2025-10-19T12:00:00Z",
      });
    },
  );

  it("of a token whose end nobody knows has a null expires_at", async () => {
    const connectionId = connection("conn_1");
    const { ask } = api(async () => ({ kind: "refreshed", connectionId, expiresAtMs: undefined }));
    expect((await ask()).json).toHaveProperty("expires_at", null);
  });

  it("is asked of the domain as the caller asked for it, with the time that Lambda leaves", async () => {
    const { ask, requests } = api();
    await ask({ body: '{"min_ttl_seconds":300}', headers: json });
    expect(requests).toEqual([
      {
        connectionId: "conn_1",
        workspaceId: "wsp_one",
        minTtlSeconds: 300,
        force: undefined,
        invocation: { remainingMs: expect.any(Function) },
      },
    ]);
    expect(requests[0]?.invocation.remainingMs()).toBe(25_000);
  });
});

describe("the workspace", () => {
  it.each([
    [{}, "wsp_one"],
    [{ "X-Workspace-Id": "wsp_two" }, "wsp_two"],
    [{ "x-workspace-id": "wsp_two" }, "wsp_two"],
  ])("of a request with %j is %s", async (headers, workspaceId) => {
    const { ask, requests } = api();
    await ask({ headers });
    expect(requests).toEqual([expect.objectContaining({ workspaceId })]);
  });

  it.each([
    ["another's", { headers: { "X-Workspace-Id": "wsp_other" } }],
    ["none, without a default", { authorizer: { principalId: "jwt:a", workspace_ids: "wsp_one" } }],
    ["none at all allowed", { authorizer: { principalId: "jwt:a", workspace_ids: "" } }],
  ])("%s is forbidden, and the domain not asked", async (_, parts) => {
    const { ask, requests } = api();
    const answer = await ask(parts);
    expect(answer).toMatchObject({ statusCode: 403, json: { code: "workspace_forbidden" } });
    expect(requests).toEqual([]);
  });

  it.each([null, {}, { principalId: "key:a" }])(
    "of a request that no authorizer saw (%j) is nobody's",
    async (authorizer) => {
      const answer = await api().ask({ authorizer });
      expect(answer).toMatchObject({
        statusCode: 401,
        headers: { "WWW-Authenticate": "Bearer" },
        json: { code: "unauthenticated" },
      });
    },
  );
});

describe("a problem", () => {
  const codes = Object.keys(refreshErrors) as RefreshErrorCode[];

  it.each(codes)("%s has its status, and the form of RFC 9457", async (code) => {
    const answer = await api(async () => Promise.reject(new RefreshError(code))).ask();
    const { status, detail } = refreshErrors[code];
    expect(answer).toMatchObject({
      statusCode: status,
      headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store" },
    });
    expect(answer.json).toEqual({
      type: "about:blank",
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail,
      code,
      request_id: gatewayRequestId,
    });
  });

  it.each([
    ["soon", "store_unavailable", undefined, "1"],
    ["after", "provider_rate_limited", 29.2, "30"],
    ["never", "connection_not_found", undefined, undefined],
  ] as const)("says when to try again: %s", async (_, code, retryAfterSeconds, header) => {
    const context = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    const answer = await api(() => Promise.reject(new RefreshError(code, context))).ask();
    expect(answer.headers?.["Retry-After"]).toBe(header);
  });

  it("says which integration is at fault, and why", async () => {
    const error = new RefreshError("client_rejected", { integration: "acme", reason: "Twice." });
    expect((await api(() => Promise.reject(error)).ask()).json).toMatchObject({
      integration: "acme",
      detail: "The provider rejected the client registration. Twice.",
    });
  });

  it("that nobody expected tells the caller its request id, and nothing else", async () => {
    const { ask, lines } = api(() => Promise.reject(new TypeError("secret detail")));
    const answer = await ask();
    expect(answer.statusCode).toBe(500);
    expect(answer.json).toEqual({
      type: "about:blank",
      title: "Internal Server Error",
      status: 500,
      detail: refreshErrors.internal_error.detail,
      code: "internal_error",
      request_id: gatewayRequestId,
    });
    expect(answer.body).not.toContain("secret detail");
    expect(lines).toContainEqual({
      code: "request.failed",
      members: expect.objectContaining({ error: new TypeError("secret detail") }),
    });
  });

  it.each([undefined, null, "text", 7])("even a thrown %p is answered", async (thrown) => {
    const answer = await api(() => Promise.reject(thrown)).ask();
    expect(answer).toMatchObject({ statusCode: 500, json: { code: "internal_error" } });
  });
});

describe("a body's media type", () => {
  const body = '{"force":true}';
  const statusWith = async (parts: RequestParts) => (await api().ask(parts)).statusCode;

  it.each([
    "application/json",
    "Application/JSON; charset=utf-8",
    "application/json ;charset=utf-8",
    "application/merge-patch+json",
  ])("%s is JSON", async (type) => {
    expect(await statusWith({ body, headers: { "content-type": type } })).toBe(200);
    expect(await statusWith({ body, headers: { "CONTENT-TYPE": type } })).toBe(200);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", ""])(
    "%p is not",
    async (type) => {
      const answer = await api().ask({ body, headers: { "Content-Type": type } });
      expect(answer).toMatchObject({
        statusCode: 415,
        json: { code: "unsupported_media_type" },
      });
    },
  );

  it("has to be there, and be the only one", async () => {
    const two = { "Content-Type": ["application/json", "text/plain"] };
    expect(await statusWith({ body })).toBe(415);
    expect(await statusWith({ body, headers: json, multiValueHeaders: two })).toBe(415);
  });

  it.each([null, ""])("does not matter when there is no body: %p", async (nothing) => {
    expect(await statusWith({ body: nothing })).toBe(200);
    expect(await statusWith({ body: nothing, headers: { "Content-Type": "text/plain" } })).toBe(
      200,
    );
  });
});

describe("the log", () => {
  it("has one line for a request, and nothing of its headers but the workspace", async () => {
    const { ask, lines } = api();
    await ask({ headers: { Authorization: "Bearer canary", "X-Workspace-Id": "wsp_two" } });
    expect(lines).toEqual([
      {
        code: "request.answered",
        members: {
          connection_id: "conn_1",
          workspace_id: "wsp_two",
          principal_id: callerOfOneWorkspace.principalId,
          status: 200,
          outcome: "refreshed",
          duration_ms: 250,
        },
      },
    ]);
  });

  it("has a failure's code, its integration and its cause", async () => {
    const cause = new Error("throttled");
    const error = new RefreshError("store_unavailable", { cause });
    const { ask, lines } = api(() => Promise.reject(error));
    await ask();
    expect(lines).toEqual([
      {
        code: "request.answered",
        members: expect.objectContaining({
          status: 503,
          outcome: "store_unavailable",
          workspace_id: "wsp_one",
          error: cause,
        }),
      },
    ]);
  });

  it("has the kinds of a request's faults, and nothing that the caller made up", async () => {
    const { ask, lines } = api();
    await ask({
      connectionId: "canary id",
      headers: { ...json, "X-Workspace-Id": "canary workspace" },
      body: '{"canary":"canary"}',
    });
    expect(lines).toEqual([
      {
        code: "request.answered",
        members: expect.objectContaining({
          status: 422,
          outcome: "invalid_request",
          faults: [
            "header: string_pattern_mismatch",
            "path: string_pattern_mismatch",
            "body: extra_forbidden",
          ],
        }),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain("canary");
  });
});
