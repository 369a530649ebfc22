import type { AddressRule } from "./address-rules.ts";
import { connectTo, type Lookup } from "./connection.ts";
import type { HttpExchange, HttpRequest } from "./exchange.ts";
import { type ReadingRules, sendRequest } from "./send-request.ts";

export const defaultMaximumBodyBytes = 1024 * 1024;

export interface TransportOptions extends Pick<ReadingRules, "clock"> {
  /** @default 1048576 */
  readonly maximumBodyBytes?: number;
  readonly lookup: Lookup;
  /** With `public_or_loopback` a URL with http is connected to at a loopback address alone. */
  readonly addresses: AddressRule;
}

export type HttpTransport = (request: HttpRequest) => Promise<HttpExchange>;

/**
 * Sends each request on a connection of its own: a reset of a kept-alive connection would be ambiguous,
 * for the server may have closed it before it saw the request. Redirects are responses and are not
 * followed. Rejects only when `maySend` throws.
 */
export const httpTransport =
  ({
    clock,
    lookup,
    addresses,
    maximumBodyBytes = defaultMaximumBodyBytes,
  }: TransportOptions): HttpTransport =>
  async (request) => {
    const { url, deadline, clientCertificate } = request;
    const isPlain = url.protocol === "http:";
    const rule = isPlain && addresses === "public_or_loopback" ? "loopback" : addresses;
    const connection = await connectTo(url, {
      lookup,
      addresses: rule,
      deadline,
      clientCertificate,
    });
    if (connection.kind !== "connected") return connection;
    const { socket } = connection;
    try {
      if (!request.maySend()) return { kind: "not_sent" };
      return await sendRequest(socket, request, { clock, maximumBodyBytes });
    } finally {
      socket.destroy();
    }
  };
