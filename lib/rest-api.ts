import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
  AccessLogField,
  AccessLogFormat,
  ApiKeySourceType,
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
import { type GatewayResponse, gatewayResponses, problemBody } from "./gateway-responses.ts";
import { createLogGroup } from "./log-group.ts";
import type { NodeFunction } from "./node-function.ts";
import type { Settings } from "./settings.ts";

export interface RestApiFunctions {
  readonly refresh: NodeFunction;
  readonly authorizer: NodeFunction;
}

/** `POST /api/v1/oauth/refresh/{connection_id}`, behind the authorizer, and the gateway's own responses. */
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
    ...(settings.callerRate > 0 && { apiKeySourceType: ApiKeySourceType.AUTHORIZER }),
    cloudWatchRole: settings.gatewayLogRole,
    // Other APIs of the account may log with it by then.
    ...(settings.gatewayLogRole && { cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN }),
  });
  addRefreshMethod(api, functions, settings);
  for (const [type, response] of Object.entries(gatewayResponses)) {
    api.addGatewayResponse(type, gatewayResponseOptions(type, response));
  }
  acknowledge(api, settings);
  // The library's output of the API's address ends in a slash, and ours does not.
  api.node.tryRemoveChild("Endpoint");
  return api;
}

function addRefreshMethod(api: RestApi, functions: RestApiFunctions, settings: Settings): void {
  // The gateway itself responds to a request without the header, with UNAUTHORIZED.
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
  const method = resource.addMethod("POST", integration, {
    authorizer,
    // The authorizer's result holds the key, and callers know of none.
    apiKeyRequired: settings.callerRate > 0,
  });
  Validations.of(method).acknowledge({
    id: "AwsSolutions-COG4",
    reason: "Callers are programs with an API key or any issuer's JWT: our authorizer checks both.",
  });
}

/**
 * One JSON object for each request, without headers and error messages: a message of the gateway can quote the
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
 * The gateway chooses a template by the caller's Accept header and falls back on `application/json`. The
 * Content-Type header states the actual type of the body.
 */
function gatewayResponseOptions(type: string, response: GatewayResponse): GatewayResponseOptions {
  const headers = { "Content-Type": "application/problem+json", ...response.headers };
  return {
    type: ResponseType.of(type),
    statusCode: `${response.status}`,
    responseHeaders: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, `'${value}'`]),
    ),
    templates: {
      "application/json": JSON.stringify(problemBody(response, "$context.requestId")),
    },
  };
}

function acknowledge(api: RestApi, { gatewayLogRole, webAclRequests }: Settings): void {
  Validations.of(api).acknowledge({
    id: "AwsSolutions-APIG2",
    reason: "The function validates, and reports all faults at once in the contract's own format.",
  });
  Validations.of(api.deploymentStage).acknowledge({
    id: "AwsSolutions-APIG6",
    reason: "Execution logs hold the requests' contents. The access log and traces are sufficient.",
  });
  if (webAclRequests === undefined) {
    Validations.of(api.deploymentStage).acknowledge({
      id: "AwsSolutions-APIG3",
      reason: "Callers are authenticated programs. The setting webAclRequests adds a web ACL.",
    });
  }
  const role = api.node.tryFindChild("CloudWatchRole");
  if (gatewayLogRole && role !== undefined) {
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
      reason: "The role belongs to the whole account, and API Gateway requires this policy of it.",
    });
  }
}
