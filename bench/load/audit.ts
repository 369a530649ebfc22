import { withConcurrency } from "../../functions/domain/async/concurrency.ts";
import { cipherOf, type StoredConnection, storedFleet } from "./fleet.ts";
import type { Logged } from "./function-log.ts";
import type { LoadEnvironment } from "./load-environment.ts";
import { strict } from "./provider-behaviour.ts";

/** The result of presenting every stored refresh token to the provider. */
export interface Audit {
  readonly connections: number;
  /** The number of stored refresh tokens that the provider accepted as the live ones. */
  readonly accepted: number;
  readonly lost: readonly Loss[];
}

export interface Loss {
  readonly connectionId: string;
  readonly cause: LossCause;
  /** The time from the rotation to the next kill. */
  readonly heldForMs: number | undefined;
}

/**
 * `killed`: a process was killed within an invocation's time after the rotation. `rescued_late`: the token
 * set was in the rescue queue when the old token was used again. `unexplained`: neither.
 */
export type LossCause = "killed" | "rescued_late" | "unexplained";

const atATime = 16;

/** Sends a token request for every stored connection. Without grace, the provider accepts only the live token. */
export async function audit(
  environment: LoadEnvironment,
  kills: readonly number[],
  log: Logged,
): Promise<Audit> {
  const { provider } = environment;
  await provider.call("behave", strict);
  const cipher = cipherOf(environment);
  const stored = await storedFleet(environment);
  const refused: { readonly connection: StoredConnection; readonly refreshToken: string }[] = [];
  await withConcurrency(stored, atATime, async (connection) => {
    const { tokens } = await cipher.open(connection.credentials, connection);
    const refreshToken = tokens.refreshToken?.reveal() ?? "";
    if (await isTaken(environment, refreshToken)) return;
    refused.push({ connection, refreshToken });
  });
  return {
    connections: stored.length,
    accepted: stored.length - refused.length,
    lost: await Promise.all(
      refused.map(async ({ connection: { connectionId }, refreshToken }) => {
        const rotatedAtMs = await provider.call<number>("rotatedAtMs", refreshToken);
        return { connectionId, ...causeOf(connectionId, rotatedAtMs, kills, log) };
      }),
    ),
  };
}

async function isTaken({ provider }: LoadEnvironment, refreshToken: string): Promise<boolean> {
  const { tokenEndpoint, clientId, clientSecret } = provider.ready;
  const response = await fetch(tokenEndpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
  });
  await response.text();
  return response.ok;
}

/** No token set is in memory for longer than an invocation. */
const longestHoldMs = 11_000;

function causeOf(
  connectionId: string,
  rotatedAtMs: number,
  kills: readonly number[],
  log: Logged,
): Pick<Loss, "cause" | "heldForMs"> {
  if (log.connections("commit.rescued").has(connectionId)) {
    return { cause: "rescued_late", heldForMs: undefined };
  }
  const killedAtMs = kills.find((atMs) => atMs >= rotatedAtMs);
  if (killedAtMs === undefined || killedAtMs - rotatedAtMs > longestHoldMs) {
    return { cause: "unexplained", heldForMs: undefined };
  }
  return { cause: "killed", heldForMs: killedAtMs - rotatedAtMs };
}
