import type {
  APIGatewayEventIdentity,
  APIGatewayEventRequestContext,
  APIGatewayProxyEvent,
  APIGatewayRequestAuthorizerEvent,
} from "aws-lambda";
import { headerValues, type MatchedRequest } from "./matched-request.ts";

/** The place of deployment that events and ARNs state. */
export interface Deployment {
  readonly region: string;
  readonly accountId: string;
  readonly apiId: string;
  readonly stage: string;
}

/** Values of the authorizer's context reach the function as strings. */
export type AuthorizerContext = Readonly<Record<string, string | number>>;

/**
 * The event of a Lambda proxy integration of a REST API. An absent query, variable or body is null.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
 */
export function proxyEvent(
  request: MatchedRequest,
  deployment: Deployment,
  authorizer: AuthorizerContext,
): APIGatewayProxyEvent {
  const { resource, path, method, body } = request;
  return {
    resource,
    path,
    httpMethod: method,
    ...headersOf(request),
    queryStringParameters: unlessEmpty(lastOfEach(request.query)),
    multiValueQueryStringParameters: unlessEmpty(allOfEach(request.query)),
    pathParameters: unlessEmpty({ ...request.pathParameters }),
    stageVariables: null,
    requestContext: { ...requestContext(request, deployment), authorizer: { ...authorizer } },
    body: body === "" ? null : body,
    isBase64Encoded: false,
  };
}

/**
 * The event of a Lambda authorizer of type REQUEST. It has no body.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
 */
export function authorizerEvent(
  request: MatchedRequest,
  deployment: Deployment,
): APIGatewayRequestAuthorizerEvent {
  const { resource, path, method } = request;
  return {
    type: "REQUEST",
    methodArn: methodArn(request, deployment),
    resource,
    path,
    httpMethod: method,
    ...headersOf(request),
    queryStringParameters: lastOfEach(request.query),
    multiValueQueryStringParameters: allOfEach(request.query),
    pathParameters: { ...request.pathParameters },
    stageVariables: {},
    requestContext: { ...requestContext(request, deployment), authorizer: undefined },
  };
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html */
export const methodArn = (
  { method, path }: Pick<MatchedRequest, "method" | "path">,
  { region, accountId, apiId, stage }: Deployment,
): string => `arn:aws:execute-api:${region}:${accountId}:${apiId}/${stage}/${method}${path}`;

/** The last value of a repeated header, and all its values, under the name as the caller wrote it. */
function headersOf({ rawHeaders, sourceIp }: MatchedRequest) {
  const headers: Pair[] = [
    ...pairsOf(rawHeaders),
    ["X-Forwarded-For", sourceIp],
    ["X-Forwarded-Proto", "http"],
  ];
  return { headers: lastOfEach(headers), multiValueHeaders: allOfEach(headers) };
}

function requestContext(
  request: MatchedRequest,
  { accountId, apiId, stage }: Deployment,
): Omit<APIGatewayEventRequestContext, "authorizer"> {
  return {
    accountId,
    apiId,
    domainName: "127.0.0.1",
    domainPrefix: "127",
    extendedRequestId: request.requestId,
    httpMethod: request.method,
    identity: {
      ...anonymous,
      sourceIp: request.sourceIp,
      userAgent: headerValues(request, "user-agent")[0] ?? null,
    },
    path: request.path,
    protocol: "HTTP/1.1",
    requestId: request.requestId,
    requestTime: commonLogTime(request.receivedAtMs),
    requestTimeEpoch: request.receivedAtMs,
    resourceId: "local",
    resourcePath: request.resource,
    stage,
  };
}

/** The identity of a caller without AWS credentials. */
export const anonymous: Omit<APIGatewayEventIdentity, "sourceIp" | "userAgent"> = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

type Pair = [name: string, value: string];

const pairsOf = (rawHeaders: readonly string[]): Pair[] =>
  rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? ""]] : []));

const lastOfEach = (pairs: Iterable<Pair>): Record<string, string> => Object.fromEntries(pairs);

function allOfEach(pairs: Iterable<Pair>): Record<string, string[]> {
  const byName = Map.groupBy(pairs, ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, all]) => [name, all.map(([, value]) => value)]),
  );
}

const unlessEmpty = <T extends object>(values: T): T | null =>
  Object.keys(values).length === 0 ? null : values;

/** `19/Oct/2025:12:00:00 +0000` */
function commonLogTime(atMs: number): string {
  const [, day, month, year, time] = new Date(atMs).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}
