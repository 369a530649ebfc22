import { isTransient, RefreshError, refreshErrors } from "../domain/model/errors.ts";
import type { Invocation } from "../domain/ports/clock.ts";
import type { RefreshConnection, RefreshRequest } from "../domain/refresh.ts";
import type { Log } from "../telemetry/log.ts";
import { validated } from "../validation/check.ts";
import { connectionIdCheck, workspaceIdCheck } from "../validation/identifiers.ts";
import { isObject, object } from "../validation/structures.ts";
import { InvalidRequest } from "./faults.ts";
import { successBody } from "./problem.ts";
import { oneOption, optionChecks, optionsIn } from "./refresh-options.ts";

export interface DirectInvocationDependencies {
  readonly refreshConnection: RefreshConnection;
  readonly log: Log;
}

export type DirectResponse =
  | (ReturnType<typeof successBody> & { readonly outcome: string })
  | {
      readonly status: "error";
      readonly connection_id: string;
      readonly code: string;
      readonly detail: string;
    };

/**
 * A refresh by direct invocation, from EventBridge or another service: `{connection_id, workspace_id,
 * min_ttl_seconds?, force?}`, as the payload or as its `detail`. The permission to invoke the function is
 * the authorization.
 *
 * A transient failure is thrown, so that Lambda's asynchronous retries and its destination for failures
 * apply; a failure that only a person can mend is the response.
 */
export const directInvocation =
  ({ refreshConnection, log }: DirectInvocationDependencies) =>
  async (payload: unknown, invocation: Invocation): Promise<DirectResponse> => {
    try {
      const request = parsePayload(payload);
      return await refresh(refreshConnection, log, { ...request, invocation });
    } catch (error) {
      const rejected = error instanceof InvalidRequest;
      log(rejected ? "invocation.rejected" : "invocation.failed", { error });
      throw new Error(failureMessage(error));
    }
  };

async function refresh(
  refreshConnection: RefreshConnection,
  log: Log,
  request: RefreshRequest,
): Promise<DirectResponse> {
  const { connectionId: connection_id, workspaceId: workspace_id } = request;
  const outcome = await refreshConnection(request);
  if (outcome.kind !== "failed") {
    log("invocation.answered", { connection_id, workspace_id, outcome: outcome.kind });
    return { ...successBody(outcome), outcome: outcome.kind };
  }
  const { code, message: detail } = outcome.error;
  if (isTransient(code)) throw outcome.error;
  log("invocation.answered", { connection_id, workspace_id, outcome: code });
  return { status: "error", connection_id, code, detail };
}

const maximumMessageLength = 1_000;

/** Lambda logs a thrown error and passes it on, causes included, so the message holds this service's own words alone. */
function failureMessage(error: unknown): string {
  if (error instanceof InvalidRequest) {
    return `invalid invocation: ${error.message}`.slice(0, maximumMessageLength);
  }
  if (error instanceof RefreshError) return `${error.code}: ${error.message}`;
  return `internal_error: ${refreshErrors.internal_error.detail}`;
}

const payloadCheck = oneOption(
  object(
    { ...optionChecks, connection_id: connectionIdCheck, workspace_id: workspaceIdCheck },
    { others: "refused_by_name" },
  ),
);

/** @throws {InvalidRequest} */
function parsePayload(payload: unknown): Omit<RefreshRequest, "invocation"> {
  const [place, value] =
    isObject(payload) && "detail" in payload ? ["detail", payload.detail] : ["payload", payload];
  const members = validated(payloadCheck, value, (faults) => new InvalidRequest(faults), [place]);
  return {
    connectionId: members.connection_id,
    workspaceId: members.workspace_id,
    ...optionsIn(members),
  };
}
