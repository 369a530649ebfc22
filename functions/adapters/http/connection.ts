import type { LookupAddress } from "node:dns";
import { lookup as lookupHost } from "node:dns/promises";
import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TlsCredentials } from "../../domain/ports/client-registration.ts";
import { type AddressRule, mayConnectTo } from "./address-rules.ts";
import { type Deadline, DeadlinePassed } from "./deadline.ts";
import { errorCodeOf } from "./error-code.ts";
import type { UnsentExchange } from "./exchange.ts";
import { alertOfClientCertificate } from "./tls-alert.ts";

/** All addresses of a host; rejects with a coded error (`ENOTFOUND`) when there is none. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The operating system's resolver. */
export const systemLookup: Lookup = (hostname) => lookupHost(hostname, { all: true });

export interface ConnectionRules {
  readonly lookup: Lookup;
  readonly addresses: AddressRule;
  readonly deadline: Deadline;
  /** Shown in the TLS handshake to a server that asks. */
  readonly clientCertificate?: TlsCredentials | undefined;
}

type Connected = { readonly kind: "connected"; readonly socket: Socket };

/** Opens a connection, TLS handshake included. Nothing of a request is sent yet. */
export async function connectTo(
  url: URL,
  rules: ConnectionRules,
): Promise<Connected | UnsentExchange> {
  try {
    const addresses = await permittedAddresses(hostOf(url), rules);
    if (addresses.length === 0) return { kind: "forbidden" };
    return { kind: "connected", socket: await openSocket(url, addresses, rules) };
  } catch (error) {
    const alert = alertOfClientCertificate(error);
    if (alert !== undefined) return { kind: "certificate_refused", alert };
    return { kind: "unreachable", reason: reasonOf(error) };
  }
}

async function permittedAddresses(
  host: string,
  { lookup, addresses: rule, deadline }: ConnectionRules,
): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  const addresses =
    family === 0
      ? await Promise.race([lookup(host), deadline.passed])
      : [{ address: host, family }];
  return addresses.filter(({ address }) => mayConnectTo(address, rule));
}

/** NODE_TLS_REJECT_UNAUTHORIZED=0 and `--tls-min-v1.0` would be the defaults. RFC 9325 §3.1.1: TLS 1.2 or later. */
const verifiedTls = { rejectUnauthorized: true, minVersion: "TLSv1.2" } as const;

/** @throws {Error} coded by Node or OpenSSL, or {@link DeadlinePassed} */
async function openSocket(
  url: URL,
  addresses: readonly LookupAddress[],
  { deadline, clientCertificate }: ConnectionRules,
): Promise<Socket> {
  const host = hostOf(url);
  const isTls = url.protocol === "https:";
  const options = {
    host,
    port: Number(url.port) || (isTls ? 443 : 80),
    // The name is not looked up again: it might stand for other addresses than those that were checked.
    lookup: fixedLookup(addresses),
    autoSelectFamily: true,
  };
  const socket = isTls
    ? connectTls({
        ...options,
        // RFC 6066 §3: no server name for an address.
        servername: isIP(host) === 0 ? host : "",
        ALPNProtocols: ["http/1.1"],
        ...verifiedTls,
        ...(clientCertificate && {
          cert: clientCertificate.certificateChain,
          key: clientCertificate.privateKey.reveal(),
        }),
      })
    : connectTcp(options);
  socket.on("error", () => {});
  try {
    await Promise.race([once(socket, isTls ? "secureConnect" : "connect"), deadline.passed]);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** With `autoSelectFamily` Node looks up all addresses and tries one after the other (RFC 8305). */
const fixedLookup =
  (addresses: readonly LookupAddress[]) =>
  (
    _hostname: string,
    _options: object,
    callback: (error: null, addresses: LookupAddress[]) => void,
  ): void =>
    callback(null, [...addresses]);

/** The host without the brackets of an IPv6 address. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "");

/** Holds no error's message, for that may quote what the server sent, such as its certificate. */
export function reasonOf(error: unknown): string {
  if (error instanceof DeadlinePassed) return "no connection in time";
  const code = errorCodeOf(error);
  return code === undefined ? "the connection failed" : `the connection failed with ${code}`;
}
