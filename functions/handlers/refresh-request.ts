import type { APIGatewayProxyEvent } from "aws-lambda";
import type { Principal } from "../domain/authentication.ts";
import { type ConnectionId, isWorkspaceId, type WorkspaceId } from "../domain/model/connection.ts";
import { RefreshError } from "../domain/model/errors.ts";
import { type Check, type Fault, faultsOf, validated } from "../validation/check.ts";
import { connectionIdCheck, workspaceIdCheck } from "../validation/identifiers.ts";
import { object, optional } from "../validation/structures.ts";
import { InvalidRequest } from "./faults.ts";
import { headerValues } from "./headers.ts";
import { oneOption, optionChecks, optionsIn, type RefreshOptions } from "./refresh-options.ts";

/** A proxy event of the REST API; `body` is parsed JSON once the body parser has run. */
export type ProxyEvent = Omit<APIGatewayProxyEvent, "body"> & { body: unknown };

export interface ParsedRequest extends RefreshOptions {
  readonly connectionId: ConnectionId;
  /** The workspace that `X-Workspace-Id` names. Undefined: the header is absent. */
  readonly requestedWorkspaceId: WorkspaceId | undefined;
}

/** In characters, far more than any sensible request has. A longer body is not parsed. */
export const maximumBodyLength = 4_096;

/** A header that may be given once. */
const single =
  <Value>(check: Check<Value>): Check<Value> =>
  (values, place) => {
    const [value, ...others]: unknown[] = Array.isArray(values) ? values : [];
    if (others.length > 0) place.reject("value_error", "given more than once");
    return check(value, place);
  };

const addressChecks = {
  header: object({ "X-Workspace-Id": single(optional(workspaceIdCheck)) }),
  path: object({ connection_id: connectionIdCheck }),
};
const addressCheck = object(addressChecks);
const bodyCheck = oneOption(object(optionChecks, { others: "refused_by_name" }));
const requestCheck = object({ ...addressChecks, body: bodyCheck });

const addressOf = (event: ProxyEvent) => ({
  header: { "X-Workspace-Id": headerValues(event, "x-workspace-id") },
  path: event.pathParameters ?? {},
});

/** @throws {InvalidRequest} with every fault of header, path and body */
export function parseRequest(event: ProxyEvent): ParsedRequest {
  const { header, path, body } = validated(
    requestCheck,
    { ...addressOf(event), body: event.body ?? {} },
    (faults) => new InvalidRequest(faults),
  );
  return {
    connectionId: path.connection_id,
    requestedWorkspaceId: header["X-Workspace-Id"],
    ...optionsIn(body),
  };
}

/** A body that could not be parsed, beside the other faults of the request. */
export const unreadableBody = (event: ProxyEvent, fault: Fault): InvalidRequest =>
  new InvalidRequest([...faultsOf(addressCheck, addressOf(event)), fault]);

/**
 * The caller, as the authorizer has identified it.
 * @throws {RefreshError} `unauthenticated`: the route has no authorizer, so nobody has been authenticated
 */
export function principalOf(event: ProxyEvent): Principal {
  const context = event.requestContext.authorizer;
  const workspaceIds: unknown = context?.workspace_ids;
  if (typeof workspaceIds !== "string") throw new RefreshError("unauthenticated");
  const defaultWorkspaceId: unknown = context?.default_workspace_id;
  return {
    principalId: String(context?.principalId),
    defaultWorkspaceId: isWorkspaceId(defaultWorkspaceId) ? defaultWorkspaceId : undefined,
    workspaceIds: workspaceIds.split(" ").filter(isWorkspaceId),
  };
}
