import { connect } from "node:net";
import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, Context } from "aws-lambda";
import { type Api, type Exchange, type Gateway, startGateway } from "../../../bin/local/gateway.ts";
import { type GatewayResponseType, gatewayResponses } from "../../../lib/gateway-responses.ts";

const methodArn =
  "arn:aws:execute-api:eu-central-1:000000000000:local/local/POST/connections/conn_1";
const allow = (resource = methodArn) => ({
  principalId: "key:1",
  policyDocument: {
    Version: "2012-10-17",
    Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: resource }],
  },
  context: { workspace_ids: "a b", count: 2 },
});
const fine = { statusCode: 200, headers: { "X-Refresh-Outcome": "refreshed" }, body: "{}" };

type Handler = Api["integration"]["handler"];

interface Setup {
  authorizer?: (event: APIGatewayRequestAuthorizerEvent, context: Context) => unknown;
  integration?: (event: APIGatewayProxyEvent, context: Context) => unknown;
  functionTimeoutMs?: number;
  integrationTimeoutMs?: number;
}

describe("the local gateway", () => {
  const gateways: Gateway[] = [];
  const exchanges: Exchange[] = [];

  async function serve({
    authorizer = () => allow(),
    integration = () => fine,
    functionTimeoutMs = 5_000,
    integrationTimeoutMs = 5_000,
  }: Setup = {}): Promise<string> {
    const onResponse = (exchange: Exchange) => exchanges.push(exchange);
    const gateway = await startGateway({ port: 0, integrationTimeoutMs, onResponse });
    gateways.push(gateway);
    const timeoutMs = functionTimeoutMs;
    gateway.serve({
      method: "POST",
      resource: "/connections/{connection_id}",
      deployment: {
        region: "eu-central-1",
        accountId: "000000000000",
        apiId: "local",
        stage: "local",
      },
      authorizer: { name: "authorizer", timeoutMs, handler: authorizer as Handler },
      integration: { name: "api", timeoutMs, handler: integration as Handler },
    });
    return gateway.url;
  }

  const call = (url: string, init: RequestInit = {}, path = "/connections/conn_1") =>
    fetch(`${url}${path}`, {
      method: "POST",
      ...init,
      headers: { Authorization: "Bearer key", ...init.headers },
    });

  async function expectGatewayResponse(response: Response, type: GatewayResponseType) {
    const { status, code, detail } = gatewayResponses[type];
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const requestId = response.headers.get("x-amzn-requestid");
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: response.statusText,
      status,
      detail,
      code,
      request_id: requestId,
    });
  }

  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
    exchanges.length = 0;
  });

  describe("passes a request to the function", () => {
    async function eventOf(
      init: RequestInit,
      path?: string,
    ): Promise<{ event: APIGatewayProxyEvent; requestId: string | null }> {
      let event: APIGatewayProxyEvent | undefined;
      const url = await serve({
        authorizer: () => allow("*"),
        integration: (received) => {
          event = received;
          return fine;
        },
      });
      const response = await call(url, init, path);
      if (event === undefined) throw new Error(`not invoked: ${await response.text()}`);
      return { event, requestId: response.headers.get("x-amzn-requestid") };
    }

    test("as a proxy event: null in place of an absent body and query", async () => {
      const { event, requestId } = await eventOf({ headers: { "X-Workspace-Id": "wsp_1" } });
      expect(event).toMatchObject({
        resource: "/connections/{connection_id}",
        path: "/connections/conn_1",
        httpMethod: "POST",
        queryStringParameters: null,
        multiValueQueryStringParameters: null,
        pathParameters: { connection_id: "conn_1" },
        stageVariables: null,
        body: null,
        isBase64Encoded: false,
      });
      expect(event.requestContext).toMatchObject({
        requestId,
        stage: "local",
        resourcePath: "/connections/{connection_id}",
        requestTime: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        identity: { sourceIp: "127.0.0.1", userAgent: "node" },
      });
    });

    test("with the authorizer's context as strings, besides the principal", async () => {
      const { event } = await eventOf({});
      expect(event.requestContext.authorizer).toEqual({
        principalId: "key:1",
        workspace_ids: "a b",
        count: "2",
        integrationLatency: expect.any(Number),
      });
    });

    test("with every value of a repeated query parameter, and the last one", async () => {
      const { event } = await eventOf({ body: '{"a":"ü"}' }, "/connections/conn_1?a=1&a=%26");
      expect(event.queryStringParameters).toEqual({ a: "&" });
      expect(event.multiValueQueryStringParameters).toEqual({ a: ["1", "&"] });
      expect(event.path).toBe("/connections/conn_1");
      expect(event.body).toBe('{"a":"ü"}');
    });

    test("with path parameters decoded, unless their encoding is broken", async () => {
      const encoded = await eventOf({}, "/connections/a%2Fb%20c");
      expect(encoded.event.pathParameters).toEqual({ connection_id: "a/b c" });
      const broken = await eventOf({}, "/connections/%zz");
      expect(broken.event.pathParameters).toEqual({ connection_id: "%zz" });
    });

    test("with header names as the caller wrote them, and all values of a repeated one", async () => {
      let event: APIGatewayProxyEvent | undefined;
      const url = await serve({
        integration: (received) => {
          event = received;
          return fine;
        },
      });
      const answer = await sendRaw(
        url,
        "POST /connections/conn_1 HTTP/1.1\r\nHost: a\r\nauthorization: Bearer key\r\n" +
          "X-WORKSPACE-id: one\r\nX-WORKSPACE-id: two\r\nConnection: close\r\n\r\n",
      );
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
      expect(event?.headers).toMatchObject({
        "X-WORKSPACE-id": "two",
        "X-Forwarded-Proto": "http",
      });
      expect(event?.multiValueHeaders["X-WORKSPACE-id"]).toEqual(["one", "two"]);
    });

    test("with a context that counts the remaining time down", async () => {
      let remainingMs = 0;
      let requestId = "";
      const url = await serve({
        functionTimeoutMs: 25_000,
        integration: (_, context) => {
          remainingMs = context.getRemainingTimeInMillis();
          requestId = context.awsRequestId;
          return fine;
        },
      });
      await call(url);
      expect(remainingMs).toBeGreaterThan(0);
      expect(remainingMs).toBeLessThanOrEqual(25_000);
      expect(requestId).not.toBe("");
    });
  });

  test("invokes the authorizer with the request and the method's ARN, without the body", async () => {
    let event: APIGatewayRequestAuthorizerEvent | undefined;
    const url = await serve({
      authorizer: (received) => {
        event = received;
        return allow();
      },
    });
    await call(url, { body: "secret" });
    expect(event).toMatchObject({
      type: "REQUEST",
      methodArn,
      pathParameters: { connection_id: "conn_1" },
      queryStringParameters: {},
    });
    expect(event).not.toHaveProperty("body");
    expect(event?.requestContext).not.toHaveProperty("authorizer");
  });

  test("returns status, headers and body of the function's response", async () => {
    const url = await serve({
      integration: () => ({
        statusCode: 409,
        headers: { "Retry-After": 3, "WWW-Authenticate": "Bearer" },
        multiValueHeaders: { "X-Many": ["a", "b"] },
        body: Buffer.from("bytes").toString("base64"),
        isBase64Encoded: true,
      }),
    });
    const response = await call(url);
    expect(response.status).toBe(409);
    expect(response.headers.get("retry-after")).toBe("3");
    expect(response.headers.get("x-many")).toBe("a, b");
    expect(response.headers.get("www-authenticate")).toBeNull();
    expect(response.headers.get("x-amzn-remapped-www-authenticate")).toBe("Bearer");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe("bytes");
    expect(exchanges).toMatchObject([
      { method: "POST", path: "/connections/conn_1", response: { status: 409 } },
    ]);
  });

  test.each([
    ["another path", "POST", "/connection/conn_1"],
    ["a longer path", "POST", "/connections/conn_1/more"],
    ["an empty variable", "POST", "/connections/"],
    ["another method", "GET", "/connections/conn_1"],
  ])("responds to %s with route_not_found", async (_, method, path) => {
    const url = await serve();
    await expectGatewayResponse(await call(url, { method }, path), "MISSING_AUTHENTICATION_TOKEN");
  });

  test.each([undefined, ""])(
    "does not invoke the authorizer without a credential: %p",
    async (value) => {
      const authorizer = jest.fn();
      const url = await serve({ authorizer });
      const headers: Record<string, string> = value === undefined ? {} : { Authorization: value };
      const response = await fetch(`${url}/connections/conn_1`, { method: "POST", headers });
      await expectGatewayResponse(response, "UNAUTHORIZED");
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(authorizer).not.toHaveBeenCalled();
    },
  );

  const policyOf = (effect: string, resource: string, action = "execute-api:Invoke") => ({
    principalId: "key:1",
    policyDocument: { Statement: [{ Action: action, Effect: effect, Resource: resource }] },
  });
  const throwing = (message: string) => () => {
    throw new Error(message);
  };

  test("invokes the authorizer once for concurrent requests with one credential, and then again", async () => {
    const asked: string[] = [];
    const last = Promise.withResolvers<void>();
    const url = await serve({
      authorizer: async ({ headers }) => {
        asked.push(headers?.authorization ?? "");
        if (asked.at(-1) === "Bearer last") last.resolve();
        await last.promise;
        return allow();
      },
    });
    const requestAs = (key: string, connection = "keep-alive") =>
      `POST /connections/conn_1 HTTP/1.1\r\nHost: a\r\nauthorization: Bearer ${key}\r\nConnection: ${connection}\r\n\r\n`;
    // One connection sends them in this order.
    const pipelined = ["one", "two", "one", "one"].map((key) => requestAs(key)).join("");
    const answers = await sendRaw(url, pipelined + requestAs("last", "close"));
    expect(answers.match(/^HTTP\/1.1 200 /gm)).toHaveLength(5);
    expect(asked).toEqual(["Bearer one", "Bearer two", "Bearer last"]);
    await sendRaw(url, requestAs("one", "close"));
    expect(asked).toHaveLength(4);
  });

  test.each<[string, GatewayResponseType, Setup["authorizer"]]>([
    ["throws Unauthorized", "UNAUTHORIZED", throwing("Unauthorized")],
    ["throws anything else", "AUTHORIZER_CONFIGURATION_ERROR", throwing("key store unavailable")],
    ["denies", "ACCESS_DENIED", () => policyOf("Deny", "*")],
    ["allows another method", "ACCESS_DENIED", () => policyOf("Allow", `${methodArn}0`)],
    ["allows another action", "ACCESS_DENIED", () => policyOf("Allow", "*", "s3:*")],
    ["returns nothing", "AUTHORIZER_CONFIGURATION_ERROR", () => undefined],
    ["returns no statement", "AUTHORIZER_CONFIGURATION_ERROR", () => ({ principalId: "a" })],
    ["has an unknown effect", "AUTHORIZER_CONFIGURATION_ERROR", () => policyOf("allow", "*")],
    [
      "nests its context",
      "AUTHORIZER_CONFIGURATION_ERROR",
      () => ({ ...allow(), context: { ids: ["a"] } }),
    ],
  ])(
    "when the authorizer %s, responds with %s and invokes no function",
    async (_, type, authorizer) => {
      const integration = jest.fn();
      const url = await serve(authorizer ? { authorizer, integration } : { integration });
      await expectGatewayResponse(await call(url), type);
      expect(integration).not.toHaveBeenCalled();
    },
  );

  test("denies where one statement denies and another allows", async () => {
    const { policyDocument } = allow(methodArn);
    const deny = { Action: "*", Effect: "Deny", Resource: [`${methodArn.slice(0, -1)}?`] };
    const Statement = [...policyDocument.Statement, deny];
    const url = await serve({
      authorizer: () => ({ principalId: "a", policyDocument: { Statement } }),
    });
    await expectGatewayResponse(await call(url), "ACCESS_DENIED");
  });

  test("allows a method that a wildcard covers, and no similar one", async () => {
    const stage = methodArn.split("/").slice(0, 2).join("/");
    const wide = await serve({ authorizer: () => allow(`${stage}/*`) });
    expect((await call(wide)).status).toBe(200);
    const narrow = await serve({ authorizer: () => allow(methodArn.replace("_", ".")) });
    await expectGatewayResponse(await call(narrow), "ACCESS_DENIED");
  });

  test.each<[string, Setup["integration"]]>([
    ["throws", throwing("boom")],
    ["returns nothing", () => undefined],
    ["returns a text", () => "fine"],
    ["states no status", () => ({ body: "" })],
    ["states a status that HTTP does not have", () => ({ statusCode: 1000 })],
    ["has an object for a body", () => ({ statusCode: 200, body: {} })],
    ["nests a header", () => ({ statusCode: 200, headers: { a: { b: 1 } } })],
  ])("when the function %s, responds with an internal error", async (_, integration) => {
    const url = await serve(integration ? { integration } : {});
    await expectGatewayResponse(await call(url), "INTEGRATION_FAILURE");
  });

  test("ends a function that outlives its timeout", async () => {
    const url = await serve({ integration: () => new Promise(() => {}), functionTimeoutMs: 20 });
    await expectGatewayResponse(await call(url), "INTEGRATION_FAILURE");
  });

  test("waits for a function no longer than the integration timeout", async () => {
    const url = await serve({ integration: () => new Promise(() => {}), integrationTimeoutMs: 20 });
    await expectGatewayResponse(await call(url), "INTEGRATION_TIMEOUT");
  });

  test("rejects a body over 10 MB and accepts one of 10 MB", async () => {
    const url = await serve({
      integration: ({ body }) => ({ statusCode: 200, body: `${body?.length}` }),
    });
    const limit = 10 * 1024 * 1024;
    expect(await (await call(url, { body: "x".repeat(limit) })).text()).toBe(String(limit));
    const answer = await sendRaw(
      url,
      `POST /connections/conn_1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key\r\n` +
        `Content-Length: ${limit + 1}\r\n\r\n${"x".repeat(limit + 1)}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('"code":"request_too_large"');
  });

  test("lets requests wait until it serves an API", async () => {
    const gateway = await startGateway({ port: 0 });
    gateways.push(gateway);
    const early = call(gateway.url);
    const first = await Promise.race([early, new Promise((resolve) => setImmediate(resolve))]);
    expect(first).toBeUndefined();
    await gateway.close();
    await expect(early).rejects.toThrow();
  });

  test("responds to requests in progress before it closes", async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const url = await serve({
      integration: async () => {
        entered.resolve();
        await release.promise;
        return fine;
      },
    });
    const response = call(url);
    await entered.promise;
    const closed = gateways.splice(0).map((gateway) => gateway.close());
    release.resolve();
    expect((await response).status).toBe(200);
    await Promise.all(closed);
    await expect(call(url)).rejects.toThrow();
  });

  test("survives a caller who disconnects within a request", async () => {
    const url = await serve();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("POST /connections/conn_1 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
    expect((await call(url)).status).toBe(200);
  });
});

/** Sends bytes as they are. @returns everything that the server sends until it ends the connection */
function sendRaw(url: string, request: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let answer = "";
  return new Promise((resolve) => {
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
    socket.write(request);
  });
}
