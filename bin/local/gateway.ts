import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gatewayTimeoutMs } from "../../functions/domain/model/budget.ts";
import type { GatewayResponseType } from "../../lib/gateway-responses.ts";
import { authorization } from "./authorizer-policy.ts";
import { gatewayAnswer, type HttpAnswer, integrationAnswer } from "./gateway-answer.ts";
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
  /** @default 29 000, a REST API's */
  readonly integrationTimeoutMs?: number;
  /** Told of every answer. */
  readonly onAnswer?: (exchange: Exchange) => void;
}

/** A route, the function behind it, and the authorizer in front of it. */
export interface Api extends Route {
  readonly deployment: Deployment;
  readonly authorizer: LambdaFunction;
  readonly integration: LambdaFunction;
}

interface Served extends Api {
  /** Invocations of the authorizer that have not ended, by credential. */
  readonly asking: Map<string, Promise<Invocation>>;
}

export interface Exchange {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly answer: HttpAnswer;
  readonly durationMs: number;
}

export interface Gateway {
  readonly url: string;
  /** Requests wait until it is called. */
  serve(api: Api): void;
  /** Takes no further requests, and ends when the last one is answered. */
  close(): Promise<void>;
}

/**
 * A REST API of API Gateway on a loopback address: authorizer, Lambda proxy integration and gateway
 * responses as deployed. It differs in one thing: what the authorizer says is for those who ask
 * meanwhile, and not cached for five minutes, so that a key that was revoked stops at once.
 */
export async function startGateway({
  port,
  integrationTimeoutMs = gatewayTimeoutMs,
  onAnswer = () => {},
}: GatewayOptions): Promise<Gateway> {
  const served = Promise.withResolvers<Served>();
  let isServing = false;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = await exchangeWith(await served.promise, request, integrationTimeoutMs);
    send(response, exchange, server.listening && request.complete);
    onAnswer(exchange);
  };
  const server = createServer((request, response) => {
    // A caller who hangs up in the middle of a request gets no answer.
    answer(request, response).catch(() => response.destroy());
  });
  const url = await listenOnLoopback(server, port);
  return {
    url,
    serve: (api) => {
      isServing = true;
      served.resolve({ ...api, asking: new Map() });
    },
    close: () =>
      isServing ? new Promise((resolve) => server.close(() => resolve())) : closeServer(server),
  };
}

async function exchangeWith(
  api: Served,
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
    answer: typeof result === "string" ? gatewayAnswer(result, requestId) : result,
    durationMs: performance.now() - startedAtMs,
  };
}

function send(response: ServerResponse, { requestId, answer }: Exchange, keepAlive: boolean): void {
  if (!keepAlive) response.setHeader("Connection", "close");
  response.writeHead(answer.status, { ...answer.headers, "x-amzn-RequestId": requestId });
  response.end(answer.body);
}

async function callApi(
  request: MatchedRequest,
  api: Served,
  timeoutMs: number,
): Promise<HttpAnswer | GatewayResponseType> {
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
 * Without the identity source the authorizer is not asked. What it throws is 401 if it says so, and
 * counts as its misconfiguration if not.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
async function authorize(
  request: MatchedRequest,
  api: Served,
): Promise<AuthorizerContext | GatewayResponseType> {
  if (!headerValues(request, "authorization")[0]) return "UNAUTHORIZED";
  const startedAtMs = performance.now();
  const invocation = await askAuthorizer(request, api);
  if (invocation.kind === "failed") {
    const refused = invocation.errorMessage === "Unauthorized";
    return refused ? "UNAUTHORIZED" : "AUTHORIZER_CONFIGURATION_ERROR";
  }
  const verdict = authorization(invocation.payload, methodArn(request, api.deployment));
  if (verdict.kind === "invalid") return "AUTHORIZER_CONFIGURATION_ERROR";
  if (verdict.kind === "denied") return "ACCESS_DENIED";
  const integrationLatency = Math.round(performance.now() - startedAtMs);
  return { ...verdict.context, integrationLatency };
}

function askAuthorizer(
  request: MatchedRequest,
  { deployment, authorizer, asking }: Served,
): Promise<Invocation> {
  const credential = JSON.stringify(headerValues(request, "authorization"));
  const asked = asking.get(credential);
  if (asked !== undefined) return asked;
  const invocation = invoke(authorizer, authorizerEvent(request, deployment));
  asking.set(credential, invocation);
  return invocation.finally(() => asking.delete(credential));
}

async function integrate(
  integration: LambdaFunction,
  event: unknown,
): Promise<HttpAnswer | GatewayResponseType> {
  const invocation = await invoke(integration, event);
  if (invocation.kind === "failed") return "INTEGRATION_FAILURE";
  return integrationAnswer(invocation.payload) ?? "INTEGRATION_FAILURE";
}
