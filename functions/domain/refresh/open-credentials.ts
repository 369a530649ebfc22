import { type Connection, keyOf, type SealedTokenSet } from "../model/connection.ts";
import { type FailedRefresh, failed } from "../model/outcome.ts";
import { type OpenedTokenSet, UnreadableCredentials } from "../ports/token-cipher.ts";
import type { Using } from "./dependencies.ts";

type Opened = { readonly kind: "opened"; readonly opened: OpenedTokenSet } | FailedRefresh;

/**
 * Decrypts the stored token set and, with the same round trip, obtains the key for the next one.
 *
 * @throws {StoreUnavailable} the key service does not respond
 */
export async function openCredentials(
  { cipher, telemetry }: Using<"cipher" | "telemetry">,
  connection: Connection,
  credentials: SealedTokenSet,
): Promise<Opened> {
  try {
    const place = { ...keyOf(connection), version: connection.credentialsVersion };
    return { kind: "opened", opened: await cipher.open(credentials, place) };
  } catch (cause) {
    if (!(cause instanceof UnreadableCredentials)) throw cause;
    telemetry.emit({ code: "credentials.unreadable", ...keyOf(connection), cause });
    return failed("internal_error", { cause });
  }
}
