import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { isConnectionId, isWorkspaceId } from "../domain/model/connection.ts";
import { RefreshError } from "../domain/model/errors.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { InvalidRequest } from "./faults.ts";
import { headerValues } from "./headers.ts";

/** Logs one line for each request, once it has a response. Use it before the middleware that makes the response. */
export function requestLog({
  log,
  clock,
}: {
  readonly log: Log;
  readonly clock: Clock;
}): MiddlewareObj<APIGatewayProxyEvent, APIGatewayProxyResult> {
  const arrivals = new WeakMap<APIGatewayProxyEvent, number>();
  const logRequest = (
    event: APIGatewayProxyEvent,
    members: Readonly<Record<string, unknown>>,
  ): void => {
    const nowMs = clock.nowMs();
    const durationMs = nowMs - (arrivals.get(event) ?? nowMs);
    log("request.answered", { ...addressOf(event), duration_ms: durationMs, ...members });
  };
  return {
    before({ event }) {
      arrivals.set(event, clock.nowMs());
    },

    after({ event, response }) {
      logRequest(event, {
        status: response?.statusCode,
        outcome: response?.headers?.["X-Refresh-Outcome"],
      });
    },

    onError({ event, response, error }) {
      const status = response?.statusCode;
      logRequest(event, { status, ...failureOf(error) });
      const expected = error instanceof RefreshError || error instanceof InvalidRequest;
      if (!expected) log("request.failed", { ...addressOf(event), error });
    },
  };
}

/** The ids that the request names, as far as they are well formed: a caller's own text never gets into a line. */
function addressOf(event: APIGatewayProxyEvent): Readonly<Record<string, unknown>> {
  const connectionId = event.pathParameters?.connection_id;
  const authorizer = event.requestContext.authorizer;
  const [workspaceId = authorizer?.default_workspace_id] = headerValues(event, "x-workspace-id");
  return {
    connection_id: isConnectionId(connectionId) ? connectionId : undefined,
    workspace_id: isWorkspaceId(workspaceId) ? workspaceId : undefined,
    principal_id: authorizer?.principalId,
  };
}

function failureOf(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof InvalidRequest) {
    const faults = error.faults.map(({ loc: [place], type }) => `${place}: ${type}`);
    return { outcome: "invalid_request", faults };
  }
  if (!(error instanceof RefreshError)) return { outcome: "internal_error" };
  return { outcome: error.code, integration: error.integration, error: error.cause };
}
