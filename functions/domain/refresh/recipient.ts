import { type Connection, keyOf } from "../model/connection.ts";
import { MisconfiguredRegistration } from "../model/errors.ts";
import {
  type ProviderOrigins,
  permits,
  type Recipient,
  type TokenBinding,
} from "../model/token-binding.ts";
import type { Using } from "./dependencies.ts";

/** The token set of a connection, and who is about to be sent it. */
export interface Delivery {
  readonly connection: Connection;
  /** Undefined: the token set was sealed before token sets were bound. */
  readonly bound: TokenBinding | undefined;
  readonly recipient: Recipient;
  readonly providerOrigins: ProviderOrigins | undefined;
}

/**
 * Tokens go only where they were issued: to that client, at that endpoint or the provider's own at another origin of
 * its, or where an operator has moved them. Whoever can change a connection's item or a registration's secret, and no more,
 * can then not have another's refresh token sent to a server of his own.
 *
 * @throws {MisconfiguredRegistration} they may not be sent there: nothing is sent, and the connection lives
 * @throws {StoreUnavailable}
 */
export async function assertRecipient(
  dependencies: Using<"rebinds" | "requiresBinding" | "telemetry">,
  delivery: Delivery,
): Promise<void> {
  const { connection, bound, recipient, providerOrigins } = delivery;
  if (bound === undefined) {
    if (!dependencies.requiresBinding) return;
  } else if (
    permits(bound, recipient, providerOrigins) ||
    (await hasMoved(dependencies, delivery))
  ) {
    return;
  }
  dependencies.telemetry.emit({
    code: "token_request.withheld",
    ...keyOf(connection),
    integration: connection.integration,
    registrationName: connection.registrationName,
    boundTo: bound && `${bound.origin}${bound.path}`,
    tokenEndpoint: `${recipient.origin}${recipient.path}`,
    isSameClient: bound?.clientId === recipient.clientId,
  });
  throw new MisconfiguredRegistration(reasonOf(bound, recipient));
}

/** Moves that follow one another: a provider that moved twice, with connections that were not refreshed meanwhile. */
const maximumMoves = 8;

async function hasMoved(
  { rebinds }: Using<"rebinds">,
  { bound, recipient, providerOrigins }: Delivery,
): Promise<boolean> {
  let at: TokenBinding | undefined = bound;
  for (let moves = 0; moves < maximumMoves && at !== undefined; moves++) {
    const successor = await rebinds.successorOf(at);
    at = successor && { ...successor, path: successor.path ?? at.path };
    if (at !== undefined && permits(at, recipient, providerOrigins)) return true;
  }
  return false;
}

function reasonOf(bound: TokenBinding | undefined, recipient: TokenBinding): string {
  if (bound === undefined) {
    return "the tokens are not bound to the server that issued them: store them anew, or run connections reencrypt --bind";
  }
  const isSameClient = bound.clientId === recipient.clientId;
  const difference = isSameClient
    ? `by ${bound.origin}${bound.path}, and are not sent to ${recipient.origin}${recipient.path}`
    : "to a client with another client_id, and are not sent on behalf of this one";
  return `the tokens were issued ${difference}: integrations rebind permits it`;
}
