import type { TokenBinding } from "../../domain/model/token-binding.ts";
import type { ClientRegistration } from "../../domain/ports/client-registration.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { systemLookup as lookup } from "../http/connection.ts";
import { deadlineIn } from "../http/deadline.ts";
import { httpTransport } from "../http/transport.ts";
import { serverDiscovery, type Undiscovered } from "../issuer-metadata/server-discovery.ts";
import { locateTokenEndpoint } from "./locate-endpoint.ts";
import { registeredEndpoint } from "./registered-endpoint.ts";

export interface IssuingEndpointOptions {
  readonly clock: Pick<Clock, "nowMs">;
  /** Permits providers on loopback addresses, over http as well. */
  readonly allowLoopback: boolean;
  /** For the issuer's metadata. @default 10000 */
  readonly timeoutMs?: number;
}

/**
 * The client and the endpoint that the tokens of a connection with this `config` come from. The issuer is asked for
 * its metadata where the registration names no endpoint itself.
 *
 * @throws {MisconfiguredRegistration} there is no endpoint that may be called
 */
export async function issuingEndpoint(
  { clock, allowLoopback, timeoutMs = 10_000 }: IssuingEndpointOptions,
  registration: ClientRegistration,
  config: Readonly<Record<string, string>>,
): Promise<TokenBinding | Undiscovered> {
  const addresses = allowLoopback ? "public_or_loopback" : "public";
  const exchange = httpTransport({ clock, lookup, addresses });
  const discover = serverDiscovery({ clock, exchange, allowLoopback, timeoutMs });
  const deadline = deadlineIn(timeoutMs);
  try {
    const located = await locateTokenEndpoint(registration, discover, deadline);
    if (located.kind !== "located") return located;
    const { origin, pathname } = registeredEndpoint(located.registration, config, allowLoopback);
    return { clientId: registration.clientId, origin, path: pathname };
  } finally {
    deadline.clear();
  }
}
