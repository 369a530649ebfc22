import type { APIGatewayProxyEvent } from "aws-lambda";
import type { Principal } from "../domain/authentication.ts";
import {
  type ConnectionId,
  isConnectionId,
  isWorkspaceId,
  type WorkspaceId,
} from "../domain/model/connection.ts";
import { RefreshError } from "../domain/model/errors.ts";
import { type Fault, InvalidRequest, identifierFault } from "./faults.ts";
import { headerValues } from "./headers.ts";
import { type RefreshOptions, readOptions } from "./refresh-options.ts";

/** A proxy event of the REST API; `body` is parsed JSON once the body parser has run. */
export type ProxyEvent = Omit<APIGatewayProxyEvent, "body"> & { body: unknown };

export interface ParsedRequest extends RefreshOptions {
  readonly connectionId: ConnectionId;
  /** As `X-Workspace-Id` names it. */
  readonly requestedWorkspaceId: WorkspaceId | undefined;
}

/** Far beyond any request that is meant: what is longer is not looked into. */
export const maximumBodyLength = 4_096;

/** @throws {InvalidRequest} with every fault of path, header and body */
export function parseRequest(event: ProxyEvent): ParsedRequest {
  const faults: Fault[] = [];
  const address = readAddress(event, faults);
  const options = readOptions(event.body ?? {}, ["body"], faults);
  if (faults.length > 0 || address === undefined) throw new InvalidRequest(faults);
  return { ...address, ...options };
}

/** A body that could not be parsed, beside whatever else is wrong with the request. */
export function unreadableBody(event: ProxyEvent, fault: Fault): InvalidRequest {
  const faults: Fault[] = [];
  readAddress(event, faults);
  return new InvalidRequest([...faults, fault]);
}

type Address = Pick<ParsedRequest, "connectionId" | "requestedWorkspaceId">;

function readAddress(event: ProxyEvent, faults: Fault[]): Address | undefined {
  const connectionId = event.pathParameters?.connection_id;
  const [requestedWorkspaceId, ...others] = headerValues(event, "x-workspace-id");
  const header = ["header", "X-Workspace-Id"];
  if (others.length > 0) {
    faults.push({ loc: header, msg: "Value error, given more than once", type: "value_error" });
  }
  const workspaceIsValid =
    requestedWorkspaceId === undefined || isWorkspaceId(requestedWorkspaceId);
  if (!workspaceIsValid) faults.push(identifierFault(requestedWorkspaceId, header));
  if (!isConnectionId(connectionId)) {
    faults.push(identifierFault(connectionId, ["path", "connection_id"]));
    return undefined;
  }
  return workspaceIsValid ? { connectionId, requestedWorkspaceId } : undefined;
}

/**
 * Who the authorizer says is asking.
 * @throws {RefreshError} `unauthenticated`: the route has no authorizer, and so nobody was checked
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
