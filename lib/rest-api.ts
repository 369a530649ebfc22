import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
  AccessLogField,
  AccessLogFormat,
  EndpointType,
  type GatewayResponseOptions,
  IdentitySource,
  LambdaIntegration,
  LogGroupLogDestination,
  RequestAuthorizer,
  ResponseType,
  RestApi,
} from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import { gatewayTimeoutMs } from "../functions/domain/model/budget.ts";
import { createLogGroup, type NodeFunction } from "./constructs.ts";
import { type GatewayAnswer, gatewayAnswers, gatewayProblem } from "./gateway-responses.ts";
import type { Settings } from "./settings.ts";

export interface RestApiFunctions {
  readonly refresh: NodeFunction;
  readonly authorizer: NodeFunction;
}

/** `POST /api/v1/oauth/refresh/{connection_id}`, behind the authorizer, and the gateway's own answers. */
export function createRestApi(
  scope: Construct,
  functions: RestApiFunctions,
  settings: Settings,
): RestApi {
  const api = new RestApi(scope, "Api", {
    restApiName: Stack.of(scope).stackName,
    endpointTypes: [EndpointType.REGIONAL],
    deployOptions: {
      stageName: settings.stage,
      accessLogDestination: new LogGroupLogDestination(
        createLogGroup(scope, "AccessLog", settings),
      ),
      accessLogFormat: AccessLogFormat.custom(JSON.stringify(accessLogLine)),
      tracingEnabled: true,
      throttlingRateLimit: settings.throttleRate,
      throttlingBurstLimit: settings.throttleBurst,
    },
    cloudWatchRole: settings.gatewayLogRole,
    // Other APIs of the account log with it too, by then.
    ...(settings.gatewayLogRole && { cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN }),
  });
  addRefreshMethod(api, functions, settings);
  for (const [type, answer] of Object.entries(gatewayAnswers)) {
    api.addGatewayResponse(type, gatewayResponse(type, answer));
  }
  acknowledge(api, settings);
  // The library's own output of the address; ours has no slash at its end.
  api.node.tryRemoveChild("Endpoint");
  return api;
}

function addRefreshMethod(api: RestApi, functions: RestApiFunctions, settings: Settings): void {
  // A request without the header is answered by the gateway, UNAUTHORIZED, and asks no function.
  const authorizer = new RequestAuthorizer(api, "Authorizer", {
    handler: functions.authorizer.function,
    identitySources: [IdentitySource.header("Authorization")],
    resultsCacheTtl: Duration.seconds(settings.authorizerCacheSeconds),
  });
  const integration = new LambdaIntegration(functions.refresh.function, {
    timeout: Duration.millis(gatewayTimeoutMs),
    allowTestInvoke: false,
  });
  const resource = api.root.resourceForPath("api/v1/oauth/refresh/{connection_id}");
  const method = resource.addMethod("POST", integration, { authorizer });
  Validations.of(method).acknowledge({
    id: "AwsSolutions-COG4",
    reason: "Callers are programs with an API key or any issuer's JWT: our authorizer checks both.",
  });
}

/**
 * One JSON object a request. No header, no error message: that of the gateway can quote the
 * Authorization header. The caller may choose `request_id`, but not `extended_request_id`.
 */
const accessLogLine = {
  request_id: AccessLogField.contextRequestId(),
  extended_request_id: AccessLogField.contextExtendedRequestId(),
  xray_trace_id: AccessLogField.contextXrayTraceId(),
  time: AccessLogField.contextRequestTime(),
  ip: AccessLogField.contextIdentitySourceIp(),
  method: AccessLogField.contextHttpMethod(),
  path: AccessLogField.contextPath(),
  status: AccessLogField.contextStatus(),
  gateway_response: AccessLogField.contextErrorResponseType(),
  principal_id: AccessLogField.contextAuthorizerPrincipalId(),
  latency_ms: AccessLogField.contextResponseLatency(),
  authorizer_latency_ms: AccessLogField.contextAuthorizerLatency(),
  integration_latency_ms: AccessLogField.contextIntegrationLatency(),
};

/**
 * The gateway picks a template by the caller's Accept header, and this is the type that it falls back
 * on; the header says what the body is.
 */
function gatewayResponse(type: string, answer: GatewayAnswer): GatewayResponseOptions {
  const headers = { "Content-Type": "application/problem+json", ...answer.headers };
  return {
    type: ResponseType.of(type),
    statusCode: `${answer.status}`,
    responseHeaders: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, `'${value}'`]),
    ),
    templates: {
      "application/json": JSON.stringify(gatewayProblem(answer, "$context.requestId")),
    },
  };
}

function acknowledge(api: RestApi, { gatewayLogRole }: Settings): void {
  Validations.of(api).acknowledge({
    id: "AwsSolutions-APIG2",
    reason: "The function validates, and answers every fault at once in the contract's own form.",
  });
  Validations.of(api.deploymentStage).acknowledge(
    {
      id: "AwsSolutions-APIG3",
      reason: "Callers are authenticated programs; a web ACL is the platform's own to associate.",
    },
    {
      id: "AwsSolutions-APIG6",
      reason: "Execution logs hold what requests hold; access log and traces tell what is needed.",
    },
  );
  const role = api.node.tryFindChild("CloudWatchRole");
  if (gatewayLogRole && role !== undefined) {
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
      reason: "The role is the whole account's, and this the policy that API Gateway asks of it.",
    });
  }
}
