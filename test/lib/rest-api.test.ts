import { gatewayResponses } from "../../lib/gateway-responses.ts";
import { deployed, type Properties, propertiesOf } from "./deployed.ts";

describe("REST API", () => {
  const { service } = deployed({ "refresh:authorizerCacheSeconds": 30 });
  const stage = propertiesOf(service, "AWS::ApiGateway::Stage");

  it("has one route, behind the authorizer", () => {
    const paths = Object.values(service.findResources("AWS::ApiGateway::Resource"));
    expect(paths.map(({ Properties: path }) => path.PathPart)).toEqual([
      "api",
      "v1",
      "oauth",
      "refresh",
      "{connection_id}",
    ]);
    expect(propertiesOf(service, "AWS::ApiGateway::Method")).toMatchObject({
      HttpMethod: "POST",
      AuthorizationType: "CUSTOM",
      AuthorizerId: { Ref: expect.stringMatching(/^ApiAuthorizer/) },
      Integration: { Type: "AWS_PROXY" },
    });
  });

  it("caches the authorizer's result for a credential", () => {
    expect(propertiesOf(service, "AWS::ApiGateway::Authorizer")).toMatchObject({
      Type: "REQUEST",
      IdentitySource: "method.request.header.Authorization",
      AuthorizerResultTtlInSeconds: 30,
    });
  });

  it("permits only the deployed stage and route to invoke the functions", () => {
    const permissions = Object.values(service.findResources("AWS::Lambda::Permission"));
    const sources = permissions.map(({ Properties: { SourceArn } }) =>
      (SourceArn["Fn::Join"][1] as readonly unknown[]).at(-1),
    );
    expect(sources).toEqual(
      expect.arrayContaining(["/POST/api/v1/oauth/refresh/*", expect.anything()]),
    );
    expect(permissions).toHaveLength(2);
  });

  it("throttles requests and is traced", () => {
    expect(stage).toMatchObject({
      StageName: "main",
      TracingEnabled: true,
      MethodSettings: [{ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 }],
    });
  });

  it("writes an access log in JSON, without headers, bodies and the gateway's error messages", () => {
    const { Format } = stage.AccessLogSetting as { Format: string };
    const line: Record<string, string> = JSON.parse(Format);
    expect(line).toMatchObject({
      request_id: "$context.requestId",
      method: "$context.httpMethod",
      path: "$context.path",
      status: "$context.status",
      latency_ms: "$context.responseLatency",
      principal_id: "$context.authorizer.principalId",
      ip: "$context.identity.sourceIp",
    });
    for (const variable of Object.values(line)) {
      expect(variable).toMatch(/^\$context\.[\w.]+$/);
      expect(variable).not.toMatch(/error\.(?!responseType)|authorizer\.error|override|header/i);
    }
  });

  it("writes no execution log", () => {
    expect(JSON.stringify(stage.MethodSettings)).not.toMatch(
      /LoggingLevel|"DataTraceEnabled":true/,
    );
  });
});

describe("gateway responses", () => {
  const { service } = deployed();
  const responses = Object.values(service.findResources("AWS::ApiGateway::GatewayResponse")).map(
    ({ Properties: response }) => response as Properties,
  );
  const responseOf = (type: string) =>
    responses.find(({ ResponseType }) => ResponseType === type) as {
      StatusCode: string;
      ResponseParameters: Record<string, string>;
      ResponseTemplates: Record<string, string>;
    };

  it("are deployed for every response that the gateway generates itself", () => {
    expect(responses.map(({ ResponseType }) => ResponseType).sort()).toEqual(
      Object.keys(gatewayResponses).sort(),
    );
  });

  it.each(Object.keys(gatewayResponses))("%s has the format of the API's own problems", (type) => {
    const { StatusCode, ResponseParameters, ResponseTemplates } = responseOf(type);
    expect(JSON.parse(ResponseTemplates["application/json"] ?? "")).toEqual({
      type: "about:blank",
      title: expect.any(String),
      status: Number(StatusCode),
      detail: expect.any(String),
      code: expect.stringMatching(/^[a-z_]+$/),
      request_id: "$context.requestId",
    });
    expect(ResponseParameters["gatewayresponse.header.Content-Type"]).toBe(
      "'application/problem+json'",
    );
  });

  it("never quote what the caller sent", () => {
    for (const { ResponseTemplates } of responses) {
      const variables = JSON.stringify(ResponseTemplates).match(/\$[\w.]+/g);
      expect(variables).toEqual(["$context.requestId"]);
    }
  });

  it("challenge a request without a credential, or with an insufficient one", () => {
    const header = "gatewayresponse.header.WWW-Authenticate";
    expect(responseOf("UNAUTHORIZED").ResponseParameters[header]).toBe("'Bearer'");
    expect(responseOf("ACCESS_DENIED").ResponseParameters[header]).toBe(
      `'Bearer error="insufficient_scope", scope="connections:refresh"'`,
    );
  });

  it.each(["AUTHORIZER_FAILURE", "AUTHORIZER_CONFIGURATION_ERROR"])(
    "are a 503 where a credential could not be checked: %s",
    (type) => {
      expect(responseOf(type)).toMatchObject({
        StatusCode: "503",
        ResponseParameters: { "gatewayresponse.header.Retry-After": "'5'" },
      });
    },
  );
});
