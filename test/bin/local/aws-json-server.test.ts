import {
  AwsError,
  type AwsJsonServer,
  type AwsOperation,
  startAwsJsonServer,
} from "../../../bin/local/aws-json-server.ts";

const signed =
  "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/kms/aws4_request, " +
  `SignedHeaders=host;x-amz-target, Signature=${"0".repeat(64)}`;

const operations: Record<string, AwsOperation> = {
  Echo: (input) => input,
  Throttle: () => {
    throw new AwsError("ThrottlingException", "slow down");
  },
  Break: () => {
    throw new TypeError("a bug");
  },
};

let server: AwsJsonServer;
beforeEach(async () => {
  server = await startAwsJsonServer({ targetPrefix: "Test", operations });
});
afterEach(() => server.close());

async function call(
  target: string,
  body = "{}",
  headers: Record<string, string> = { authorization: signed },
) {
  const response = await fetch(server.endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": target, ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

it("responds with the operation's output and a request id", async () => {
  const { status, headers, body } = await call("Test.Echo", '{"name":"ü"}');
  expect(status).toBe(200);
  expect(body).toEqual({ name: "ü" });
  expect(headers.get("content-type")).toBe("application/x-amz-json-1.1");
  expect(headers.get("x-amzn-requestid")).toMatch(/^[0-9a-f-]{36}$/);
});

it("responds to an error of the service with its code and message", async () => {
  const { status, body } = await call("Test.Throttle");
  expect(status).toBe(400);
  expect(body).toEqual({ __type: "ThrottlingException", message: "slow down" });
});

it("any other error is a 500, which the SDK retries", async () => {
  const { status, body } = await call("Test.Break");
  expect(status).toBe(500);
  expect(body).toMatchObject({ __type: "InternalFailure" });
});

it.each([
  ["an unknown operation", "Test.Nothing", "UnknownOperationException"],
  ["another service's", "Other.Echo", "UnknownOperationException"],
  ["what every object has", "Test.constructor", "UnknownOperationException"],
])("rejects %s", async (_, target, code) => {
  const { status, body } = await call(target);
  expect(status).toBe(400);
  expect(body).toMatchObject({ __type: code });
});

it.each([
  ["no signature", {}, "MissingAuthenticationTokenException"],
  ["a bearer token", { authorization: "Bearer x" }, "IncompleteSignatureException"],
])("rejects %s", async (_, headers, code) => {
  const { status, body } = await call("Test.Echo", "{}", headers);
  expect(status).toBe(400);
  expect(body).toMatchObject({ __type: code });
  expect(server.requests()).toEqual({});
});

it.each(["", "[]", "null", "{", '"secret"'])(
  "rejects the body %j and does not quote it",
  async (body) => {
    const answer = await call("Test.Echo", body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      __type: "SerializationException",
      message: "The body is not a JSON object",
    });
  },
);

it("rejects a body of more than 1 MiB", async () => {
  const { status, body } = await call("Test.Echo", JSON.stringify({ big: "x".repeat(1 << 20) }));
  expect(status).toBe(413);
  expect(body).toMatchObject({ __type: "RequestEntityTooLargeException" });
});

it("counts the requests for each operation, failed ones included", async () => {
  await call("Test.Echo");
  await call("Test.Echo");
  await call("Test.Throttle");
  expect(server.requests()).toEqual({ Echo: 2, Throttle: 1 });
});

it("a port in use is an error, not a crash", async () => {
  const port = Number(new URL(server.endpoint).port);
  await expect(
    startAwsJsonServer({ targetPrefix: "Test", operations, port }),
  ).rejects.toMatchObject({ code: "EADDRINUSE" });
});
