import { apiHandler } from "../../functions/handlers/api.ts";
import { maximumBodyLength } from "../../functions/handlers/refresh-request.ts";
import { lambdaContext, proxyEvent, type RequestParts } from "../support/lambda-events.ts";
import { recordedLog } from "../support/recorded-log.ts";

const refreshConnection = jest.fn(async ({ connectionId }) => ({
  kind: "refreshed" as const,
  connectionId,
  expiresAtMs: undefined,
}));
const handler = apiHandler({
  refreshConnection,
  log: recordedLog().log,
  clock: { nowMs: () => 0, sleep: async () => undefined },
});
beforeEach(() => refreshConnection.mockClear());

const json = { "Content-Type": "application/json" };

async function ask(parts: RequestParts) {
  const answer = await handler(proxyEvent(parts), lambdaContext);
  if (!("statusCode" in answer)) throw new Error("not an HTTP answer");
  return answer;
}

/** The faults for which a request is refused. */
async function faults(parts: RequestParts): Promise<unknown> {
  const answer = await ask(parts);
  expect(answer).toMatchObject({
    statusCode: 422,
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
  });
  expect(refreshConnection).not.toHaveBeenCalled();
  const { detail, ...others } = JSON.parse(answer.body);
  expect(others).toEqual({});
  return detail;
}

const ofBody = (body: string): RequestParts => ({ body, headers: json });
const inBody = (...loc: (string | number)[]) => ["body", ...loc];
const pattern = "String should match pattern '^[A-Za-z0-9_-]{1,128}$'";

describe("accepted", () => {
  it.each([
    ["{}", undefined, undefined],
    ["null", undefined, undefined],
    ['{"min_ttl_seconds":0}', 0, undefined],
    ['{"min_ttl_seconds":31536000}', 31_536_000, undefined],
    ['{"min_ttl_seconds":300.0}', 300, undefined],
    ['{"force":true}', undefined, true],
    ['{"force":false}', undefined, false],
    ['{"force":false,"min_ttl_seconds":60}', 60, false],
  ])("%s", async (body, minTtlSeconds, force) => {
    expect((await ask(ofBody(body))).statusCode).toBe(200);
    expect(refreshConnection).toHaveBeenCalledWith(
      expect.objectContaining({ minTtlSeconds, force }),
    );
  });

  it("base64, the encoding of a body that the gateway considers binary", async () => {
    const body = Buffer.from('{"min_ttl_seconds":60}').toString("base64");
    expect((await ask({ body, headers: json, isBase64Encoded: true })).statusCode).toBe(200);
    expect(refreshConnection).toHaveBeenCalledWith(expect.objectContaining({ minTtlSeconds: 60 }));
  });

  it.each(["a", "A-z_0-9", "c".repeat(128)])("connection id %s", async (connectionId) => {
    expect((await ask({ connectionId })).statusCode).toBe(200);
  });
});

describe("the address", () => {
  it.each(["conn 1", "conn%201", "conn.1", "c".repeat(129), "", "conn_1\n", "连接"])(
    "connection id %j",
    async (connectionId) => {
      await expect(faults({ connectionId })).resolves.toEqual([
        { loc: ["path", "connection_id"], msg: pattern, type: "string_pattern_mismatch" },
      ]);
    },
  );

  it.each(["", "wsp one", "wsp_one,wsp_two", "*", "w".repeat(129)])(
    "workspace id %j",
    async (workspaceId) => {
      await expect(faults({ headers: { "X-Workspace-Id": workspaceId } })).resolves.toEqual([
        { loc: ["header", "X-Workspace-Id"], msg: pattern, type: "string_pattern_mismatch" },
      ]);
    },
  );

  it.each([
    { "X-Workspace-Id": ["wsp_one", "wsp_two"] },
    { "X-Workspace-Id": ["wsp_one", "wsp_one"] },
    { "X-Workspace-Id": ["wsp_one"], "x-workspace-id": ["wsp_two"] },
  ])("several workspace ids: %j", async (multiValueHeaders) => {
    await expect(faults({ multiValueHeaders })).resolves.toEqual([
      {
        loc: ["header", "X-Workspace-Id"],
        msg: "Value error, given more than once",
        type: "value_error",
      },
    ]);
  });
});

describe("a member of the body", () => {
  it.each([
    ['{"min_ttl_seconds":"300"}', "min_ttl_seconds", "int_type"],
    ['{"min_ttl_seconds":true}', "min_ttl_seconds", "int_type"],
    ['{"min_ttl_seconds":null}', "min_ttl_seconds", "int_type"],
    ['{"min_ttl_seconds":[1]}', "min_ttl_seconds", "int_type"],
    ['{"min_ttl_seconds":0.5}', "min_ttl_seconds", "int_from_float"],
    ['{"min_ttl_seconds":-1}', "min_ttl_seconds", "greater_than_equal"],
    ['{"min_ttl_seconds":31536001}', "min_ttl_seconds", "less_than_equal"],
    ['{"min_ttl_seconds":1e400}', "min_ttl_seconds", "less_than_equal"],
    ['{"force":1}', "force", "bool_type"],
    ['{"force":"true"}', "force", "bool_type"],
    ['{"force":null}', "force", "bool_type"],
    ['{"ttl":300}', "ttl", "extra_forbidden"],
    ['{"toString":1}', "toString", "extra_forbidden"],
    ['{"__proto__":{"force":true}}', "__proto__", "extra_forbidden"],
    ['{"constructor":{"prototype":{}}}', "constructor", "extra_forbidden"],
    ['{"constructor":1}', "constructor", "extra_forbidden"],
  ])("%s", async (body, name, type) => {
    await expect(faults(ofBody(body))).resolves.toEqual([
      { loc: inBody(name), msg: expect.any(String), type },
    ]);
  });

  it("both options at once", async () => {
    await expect(faults(ofBody('{"min_ttl_seconds":60,"force":true}'))).resolves.toEqual([
      {
        loc: ["body"],
        msg: "Value error, min_ttl_seconds and force exclude each other",
        type: "value_error",
      },
    ]);
  });
});

describe("the body", () => {
  it.each(["[]", '"text"', "7", "true", '[{"force":true}]'])(
    "%s is not an object",
    async (body) => {
      await expect(faults(ofBody(body))).resolves.toEqual([
        { loc: ["body"], msg: expect.any(String), type: "model_attributes_type" },
      ]);
    },
  );

  it.each([
    ["{", 1],
    ['{"min_ttl_seconds":}', 0],
    ['{"force":true,}', 14],
    [" ", 0],
    ["{} {}", 3],
    ["NaN", 0],
  ])("%j is not JSON, from about %i on", async (body, position) => {
    await expect(faults(ofBody(body))).resolves.toEqual([
      { loc: inBody(position), msg: "JSON decode error", type: "json_invalid" },
    ]);
  });

  it("deep nesting does not crash the parser", async () => {
    const body = "[".repeat(maximumBodyLength);
    await expect(faults(ofBody(body))).resolves.toHaveLength(1);
  });

  it("too long a body is not parsed", async () => {
    const body = `{"a":"${"a".repeat(maximumBodyLength)}"}`;
    await expect(faults(ofBody(body))).resolves.toEqual([
      { loc: ["body"], msg: expect.stringContaining("4096"), type: "string_too_long" },
    ]);
  });
});

describe("every fault is reported at once", () => {
  const badAddress = { connectionId: "conn 1", headers: { ...json, "X-Workspace-Id": "wsp one" } };
  const addressFaults = [
    expect.objectContaining({ loc: ["header", "X-Workspace-Id"] }),
    expect.objectContaining({ loc: ["path", "connection_id"] }),
  ];

  it("those of address and members", async () => {
    const body = '{"min_ttl_seconds":-1,"force":"no","a":1,"b":2}';
    await expect(faults({ ...badAddress, body })).resolves.toEqual([
      ...addressFaults,
      expect.objectContaining({ loc: inBody("a") }),
      expect.objectContaining({ loc: inBody("b") }),
      expect.objectContaining({ loc: inBody("min_ttl_seconds") }),
      expect.objectContaining({ loc: inBody("force") }),
    ]);
  });

  it("those of address and JSON", async () => {
    await expect(faults({ ...badAddress, body: "{" })).resolves.toEqual([
      ...addressFaults,
      expect.objectContaining({ type: "json_invalid" }),
    ]);
  });
});
