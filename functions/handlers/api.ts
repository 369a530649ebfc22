import middy from "@middy/core";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import { workspaceFor } from "../domain/authentication.ts";
import type { Clock, Invocation } from "../domain/ports/clock.ts";
import type { RefreshConnection } from "../domain/refresh.ts";
import type { Log } from "../telemetry/log.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { isObject } from "../validation/structures.ts";
import { type DirectResponse, directInvocation } from "./direct-invocation.ts";
import { jsonBody } from "./json-body.ts";
import { problemFor, successResponse } from "./problem.ts";
import { parseRequest, principalOf } from "./refresh-request.ts";
import { requestLog } from "./request-log.ts";

export interface ApiDependencies {
  readonly refreshConnection: RefreshConnection;
  readonly log: Log;
  readonly clock: Clock;
}

type Response = APIGatewayProxyResult | DirectResponse;

/** `POST /api/v1/oauth/refresh/{connection_id}`, and the same by direct invocation. */
export function apiHandler(dependencies: ApiDependencies) {
  const handleRequest = httpHandler(dependencies);
  const handleInvocation = directInvocation(dependencies);
  return (event: unknown, context: Context): Promise<Response> => {
    const { awsRequestId: lambdaRequestId } = context;
    if (!isProxyEvent(event)) {
      return requestScope.run({ requestId: lambdaRequestId, lambdaRequestId }, () =>
        handleInvocation(event, invocationOf(context)),
      );
    }
    const { requestId } = event.requestContext;
    return requestScope.run({ requestId, lambdaRequestId }, () => handleRequest(event, context));
  };
}

/** The domain ends in time by itself, so middy's own early timeout is switched off. */
const httpHandler = ({ refreshConnection, log, clock }: ApiDependencies) =>
  middy<APIGatewayProxyEvent, APIGatewayProxyResult>({ timeoutEarlyInMillis: 0 })
    .use(requestLog({ log, clock }))
    .use(jsonBody())
    .handler(async (event, context) => {
      const principal = principalOf(event);
      const { requestedWorkspaceId, ...request } = parseRequest(event);
      const workspaceId = workspaceFor(principal, requestedWorkspaceId);
      const invocation = invocationOf(context);
      const outcome = await refreshConnection({ ...request, workspaceId, invocation });
      if (outcome.kind === "failed") throw outcome.error;
      return successResponse(outcome);
    })
    .onError((request) => {
      request.response = problemFor(request.error, request.event.requestContext.requestId);
    });

const isProxyEvent = (event: unknown): event is APIGatewayProxyEvent =>
  isObject(event) && isObject(event.requestContext);

const invocationOf = (context: Context): Invocation => ({
  remainingMs: () => context.getRemainingTimeInMillis(),
});
