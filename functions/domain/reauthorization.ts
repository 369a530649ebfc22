import type { Connection, ConnectionKey } from "./model/connection.ts";
import { earlier } from "./model/instant.ts";

/** A user will have to connect again: what the event `connection.reauthorization_due` carries. */
export interface ReauthorizationDue extends ConnectionKey {
  readonly integration: string;
  /** When the refresh token ends; where that has passed, the provider has yet to say so. */
  readonly endsAtMs: number;
  /**
   * `absolute`: no refresh moves that end. `idle`: a refresh would, but the schedule does not refresh
   * the connection.
   */
  readonly reason: "absolute" | "idle";
}

export type EndingConnection = ConnectionKey &
  Pick<
    Connection,
    | "integration"
    | "status"
    | "refreshTokenExpiresAtMs"
    | "refreshTokenAbsoluteExpiresAtMs"
    | "refreshAtMs"
  >;

/**
 * Whether the connection's refresh token ends by an instant, inclusive, and nothing that this service
 * does by itself moves that. Of an `expired` connection it is not told: its user is asked already.
 */
export function reauthorizationDue(
  connection: EndingConnection,
  throughMs: number,
): ReauthorizationDue | undefined {
  const { connectionId, workspaceId, integration } = connection;
  const { refreshTokenAbsoluteExpiresAtMs: absoluteMs, refreshTokenExpiresAtMs } = connection;
  if (connection.status === "expired") return undefined;
  const idleMs = isRenewedBySchedule(connection) ? undefined : refreshTokenExpiresAtMs;
  const endsAtMs = earlier(absoluteMs, idleMs);
  if (endsAtMs === undefined || endsAtMs > throughMs) return undefined;
  const reason = endsAtMs === absoluteMs ? "absolute" : "idle";
  return { connectionId, workspaceId, integration, endsAtMs, reason };
}

/** What is switched off is looked at, and not refreshed; what has no time is not even looked at. */
const isRenewedBySchedule = ({ status, refreshAtMs }: EndingConnection): boolean =>
  status !== "inactive" && refreshAtMs !== undefined;
