import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gatewayTimeoutMs } from "../../functions/domain/model/budget.ts";
import type { GatewayResponseType } from "../../lib/gateway-responses.ts";
import { authorization } from "./authorizer-policy.ts";
import { gatewayResponse, type HttpResponse, integrationResponse } from "./gateway-response.ts";
import { type Invocation, invoke, type LambdaFunction } from "./lambda-function.ts";
import { closeServer, listenOnLoopback } from "./loopback.ts";
import {
  headerValues,
  type MatchedRequest,
  matchRequest,
  pathOf,
  type Route,
} from "./matched-request.ts";
import {
  type AuthorizerContext,
  authorizerEvent,
  type Deployment,
  methodArn,
  proxyEvent,
} from "./proxy-event.ts";

export interface GatewayOptions {
  /** 0: any free port. */
  readonly port: number;
  /** @default 29 000, the timeout of a REST API */
  readonly integrationTimeoutMs?: number;
  /** Called after every response. */
  readonly onResponse?: (exchange: Exchange) => void;
}

/** A route, the function behind it, and the authorizer in front of it. */
export interface Api extends Route {
  readonly deployment: Deployment;
  readonly authorizer: LambdaFunction;
  readonly integration: LambdaFunction;
}

interface ServedApi extends Api {
  /** Invocations of the authorizer that have not ended, by credential. */
  readonly authorizing: Map<string, Promise<Invocation>>;
}

export interface Exchange {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly response: HttpResponse;
  readonly durationMs: number;
}

export interface Gateway {
  readonly url: string;
  /** Starts to serve. Earlier requests wait. */
  serve(api: Api): void;
  /** Accepts no further requests, and resolves after the last response. */
  close(): Promise<void>;
}

/**
 * A REST API of API Gateway on a loopback address, with authorizer, Lambda proxy integration and gateway responses as
 * deployed. It differs in one thing: an authorizer's result is shared by concurrent requests and not cached, so that
 * a revoked key stops working at once.
 */
export async function startGateway({
  port,
  integrationTimeoutMs = gatewayTimeoutMs,
  onResponse = () => {},
}: GatewayOptions): Promise<Gateway> {
  const served = Promise.withResolvers<ServedApi>();
  let isServing = false;
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = await exchangeWith(await served.promise, request, integrationTimeoutMs);
    send(response, exchange, server.listening && request.complete);
    onResponse(exchange);
  };
  const server = createServer((request, response) => {
    // A caller who closes the connection within a request gets no response.
    respond(request, response).catch(() => response.destroy());
  });
  const url = await listenOnLoopback(server, port);
  return {
    url,
    serve: (api) => {
      isServing = true;
      served.resolve({ ...api, authorizing: new Map() });
    },
    close: () =>
      isServing ? new Promise((resolve) => server.close(() => resolve())) : closeServer(server),
  };
}

async function exchangeWith(
  api: ServedApi,
  request: IncomingMessage,
  integrationTimeoutMs: number,
): Promise<Exchange> {
  const requestId = randomUUID();
  const startedAtMs = performance.now();
  const matched = await matchRequest(request, api, requestId);
  const result =
    typeof matched === "string" ? matched : await callApi(matched, api, integrationTimeoutMs);
  return {
    requestId,
    method: request.method ?? "",
    path: pathOf(request),
    response: typeof result === "string" ? gatewayResponse(result, requestId) : result,
    durationMs: performance.now() - startedAtMs,
  };
}

function send(to: ServerResponse, { requestId, response }: Exchange, keepAlive: boolean): void {
  if (!keepAlive) to.setHeader("Connection", "close");
  to.writeHead(response.status, { ...response.headers, "x-amzn-RequestId": requestId });
  to.end(response.body);
}

async function callApi(
  request: MatchedRequest,
  api: ServedApi,
  timeoutMs: number,
): Promise<HttpResponse | GatewayResponseType> {
  const { deployment, integration } = api;
  const context = await authorize(request, api);
  if (typeof context === "string") return context;
  const timeout = Promise.withResolvers<GatewayResponseType>();
  const timer = setTimeout(() => timeout.resolve("INTEGRATION_TIMEOUT"), timeoutMs);
  try {
    const event = proxyEvent(request, deployment, context);
    return await Promise.race([integrate(integration, event), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A request without the identity source never reaches the authorizer. An error of the authorizer is a 401 if its
 * message is `Unauthorized`, and a misconfiguration otherwise.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
async function authorize(
  request: MatchedRequest,
  api: ServedApi,
): Promise<AuthorizerContext | GatewayResponseType> {
  if (!headerValues(request, "authorization")[0]) return "UNAUTHORIZED";
  const startedAtMs = performance.now();
  const invocation = await invokeAuthorizer(request, api);
  if (invocation.kind === "failed") {
    const refused = invocation.errorMessage === "Unauthorized";
    return refused ? "UNAUTHORIZED" : "AUTHORIZER_CONFIGURATION_ERROR";
  }
  const result = authorization(invocation.payload, methodArn(request, api.deployment));
  if (result.kind === "invalid") return "AUTHORIZER_CONFIGURATION_ERROR";
  if (result.kind === "denied") return "ACCESS_DENIED";
  const integrationLatency = Math.round(performance.now() - startedAtMs);
  return { ...result.context, integrationLatency };
}

function invokeAuthorizer(
  request: MatchedRequest,
  { deployment, authorizer, authorizing }: ServedApi,
): Promise<Invocation> {
  const credential = JSON.stringify(headerValues(request, "authorization"));
  const current = authorizing.get(credential);
  if (current !== undefined) return current;
  const invocation = invoke(authorizer, authorizerEvent(request, deployment));
  authorizing.set(credential, invocation);
  return invocation.finally(() => authorizing.delete(credential));
}

async function integrate(
  integration: LambdaFunction,
  event: unknown,
): Promise<HttpResponse | GatewayResponseType> {
  const invocation = await invoke(integration, event);
  if (invocation.kind === "failed") return "INTEGRATION_FAILURE";
  return integrationResponse(invocation.payload) ?? "INTEGRATION_FAILURE";
}
