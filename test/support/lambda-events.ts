import { createHash } from "node:crypto";
import type {
  APIGatewayProxyEvent,
  APIGatewayRequestAuthorizerEvent,
  Context,
  SQSEvent,
} from "aws-lambda";
import { anonymous } from "../../bin/local/proxy-event.ts";

export const gatewayRequestId = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";
const lambdaRequestId = "8f507cfc-0000-4a2f-b6a1-5d1b7a5c0001";

export const lambdaContext: Context = {
  awsRequestId: lambdaRequestId,
  callbackWaitsForEmptyEventLoop: false,
  functionName: "test",
  functionVersion: "1",
  invokedFunctionArn: "arn:aws:lambda:eu-west-1:123456789012:function:test",
  logGroupName: "test",
  logStreamName: "test",
  memoryLimitInMB: "256",
  getRemainingTimeInMillis: () => 25_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

export interface RequestParts {
  readonly connectionId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, string[]>>;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
  /** Null: the route has no authorizer. */
  readonly authorizer?: Readonly<Record<string, string>> | null;
}

export const callerOfOneWorkspace = {
  principalId: "key:0123456789abcdef",
  default_workspace_id: "wsp_one",
  workspace_ids: "wsp_one wsp_two",
};

/**
 * The event of a proxy integration of a REST API.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function proxyEvent(parts: RequestParts = {}): APIGatewayProxyEvent {
  const { connectionId = "conn_1", headers = {}, body = null, isBase64Encoded = false } = parts;
  const authorizer = parts.authorizer === undefined ? callerOfOneWorkspace : parts.authorizer;
  return {
    resource: "/api/v1/oauth/refresh/{connection_id}",
    path: `/api/v1/oauth/refresh/${connectionId}`,
    httpMethod: "POST",
    headers: { ...headers },
    multiValueHeaders:
      parts.multiValueHeaders ??
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { connection_id: connectionId },
    stageVariables: null,
    requestContext: { ...requestContext, authorizer },
    body,
    isBase64Encoded,
  };
}

const methodArn =
  "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/POST/api/v1/oauth/refresh/conn_1";

export function authorizerEvent(
  headers: Readonly<Record<string, string>>,
  multiValueHeaders?: Readonly<Record<string, string[]>>,
): APIGatewayRequestAuthorizerEvent {
  const event = proxyEvent({ headers, ...(multiValueHeaders && { multiValueHeaders }) });
  return {
    ...event,
    type: "REQUEST",
    methodArn,
    requestContext: { ...requestContext, authorizer: undefined },
  };
}

/** The event of an event source mapping. Its messages are `message-0` and so on, one for each body. */
export const sqsEvent = (bodies: readonly string[]): SQSEvent => ({
  Records: bodies.map((body, i) => ({
    messageId: `message-${i}`,
    receiptHandle: `receipt-${i}`,
    body,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "1760875200000",
      SenderId: "AIDAEXAMPLE",
      ApproximateFirstReceiveTimestamp: "1760875200001",
    },
    messageAttributes: {},
    md5OfBody: createHash("md5").update(body).digest("hex"),
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:queue",
    awsRegion: "eu-west-1",
  })),
});

const requestContext = {
  accountId: "123456789012",
  apiId: "a1b2c3d4e5",
  httpMethod: "POST",
  identity: { ...anonymous, sourceIp: "192.0.2.1", userAgent: "test" },
  path: "/prod/api/v1/oauth/refresh/conn_1",
  protocol: "HTTP/1.1",
  requestId: gatewayRequestId,
  requestTimeEpoch: 1_760_875_200_000,
  resourceId: "abc123",
  resourcePath: "/api/v1/oauth/refresh/{connection_id}",
  stage: "prod",
};
