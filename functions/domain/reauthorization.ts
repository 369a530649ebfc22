import type { Connection, ConnectionKey } from "./model/connection.ts";
import { earlier } from "./model/instant.ts";

/** A connection whose user will have to connect again. */
export interface ReauthorizationDue extends ConnectionKey {
  readonly integration: string;
  /** When the refresh token ends. If that has passed, the provider has not refused it yet. */
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
 * Finds a refresh token that ends by an instant, inclusive, and whose end this service does not move by
 * itself. An `expired` connection is left out: its user has been asked already.
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

/** The schedule looks at an inactive connection, and does not refresh it. */
const isRenewedBySchedule = ({ status, refreshAtMs }: EndingConnection): boolean =>
  status !== "inactive" && refreshAtMs !== undefined;
