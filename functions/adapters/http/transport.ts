import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TlsCredentials } from "../../domain/ports/client-registration.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { BodyTooLarge, decodeContent, decodeFront } from "./content-coding.ts";
import type { Deadline } from "./deadline.ts";
import { connectTo, type Lookup, reasonOf } from "./provider-connection.ts";
import { alertOfClientCertificate } from "./tls-alert.ts";

export const maximumBodyBytes = 1024 * 1024;
const maximumHeaderBytes = 64 * 1024;

export interface TokenEndpointRequest {
  /** http: loopback addresses alone are connected to. */
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Shown in the TLS handshake to a server that asks. */
  readonly clientCertificate?: TlsCredentials | undefined;
  /** Of all from the look-up of the host to the last byte of the answer. */
  readonly deadline: Deadline;
  /** Asked when the connection stands; false: nothing is sent. */
  readonly maySend: () => boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Content codings undone. */
  readonly body: Uint8Array;
  readonly receivedAtMs: number;
}

/**
 * How one exchange ended. `forbidden`, `unreachable`, `not_sent`: nothing of the request was sent;
 * `certificate_refused`: nothing of it was read. The others: the server may have done what was asked.
 * `partial` is what came of an answer.
 */
export type Exchange =
  | { readonly kind: "forbidden" }
  | { readonly kind: "certificate_refused"; readonly alert: string }
  | { readonly kind: "unreachable"; readonly reason: string }
  | { readonly kind: "not_sent" }
  | { readonly kind: "answered"; readonly answer: HttpAnswer }
  | { readonly kind: "timed_out"; readonly partial: HttpAnswer | undefined }
  | {
      readonly kind: "broken_off";
      readonly reason: string;
      readonly partial: HttpAnswer | undefined;
    }
  | { readonly kind: "too_large"; readonly partial: HttpAnswer | undefined };

export interface TransportDependencies {
  readonly clock: Pick<Clock, "nowMs">;
  readonly lookup: Lookup;
  /** Loopback addresses may be connected to. */
  readonly allowLoopback: boolean;
}

export type TokenEndpointTransport = (request: TokenEndpointRequest) => Promise<Exchange>;

/**
 * One request on a connection of its own: on one that is kept alive a reset would be ambiguous, for the
 * server may have closed it before it saw the request. Redirects are answers and not followed. Rejects
 * only when `maySend` throws.
 */
export const tokenEndpointTransport =
  ({ clock, lookup, allowLoopback }: TransportDependencies): TokenEndpointTransport =>
  async (request) => {
    const { url, deadline, clientCertificate } = request;
    const isPlain = url.protocol === "http:";
    const loopback = allowLoopback ? (isPlain ? "only" : "also") : "never";
    const rules = { lookup, loopback, deadline, clientCertificate } as const;
    const connection = await connectTo(url, rules);
    if (connection.kind !== "connected") return connection;
    return sendOver(connection.socket, request, clock);
  };

async function sendOver(
  socket: Socket,
  request: TokenEndpointRequest,
  clock: TransportDependencies["clock"],
): Promise<Exchange> {
  try {
    if (!request.maySend()) return { kind: "not_sent" };
    return await exchange(socket, request, clock);
  } finally {
    socket.destroy();
  }
}

function exchange(
  socket: Socket,
  { url, method, headers, body, deadline }: TokenEndpointRequest,
  clock: TransportDependencies["clock"],
): Promise<Exchange> {
  return new Promise((resolve) => {
    const received = receivedParts(clock);
    let failure: unknown;
    const breakOff = () => {
      const alert = alertOfClientCertificate(failure);
      if (alert !== undefined) return resolve({ kind: "certificate_refused", alert });
      resolve({ kind: "broken_off", reason: breakReason(failure), partial: received.partial() });
    };

    const outgoing = httpRequest({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, "accept-encoding": "identity" },
      maxHeaderSize: maximumHeaderBytes,
      // RFC 9112 §2.2, §5.2, §6.3: a bare line feed, a folded header, a length beside chunks can all be
      // read, and the tokens behind them are the only ones. What Node has against that (one answer
      // passed off as two) needs a connection that carries more than one.
      insecureHTTPParser: true,
    });
    outgoing.on("response", (response) => {
      received.begin(response);
      response.on("error", () => {});
      response.on("data", (chunk: Buffer) => {
        if (!received.add(chunk)) resolve({ kind: "too_large", partial: received.partial() });
      });
      response.on("end", () => {
        // A body without a length ends with its connection, and a reset is no such end.
        if (failure !== undefined && !isFramed(response)) return;
        outgoing.off("close", breakOff);
        resolve(received.whole());
      });
    });
    // Bytes that came before an error are delivered after it: only `close` is the end.
    outgoing.on("error", (error) => {
      failure = error;
    });
    outgoing.on("close", breakOff);
    outgoing.end(body);
    deadline.passed.catch(() => resolve({ kind: "timed_out", partial: received.partial() }));
  });
}

const breakReason = (failure: unknown): string =>
  failure === undefined
    ? "the connection was closed before the answer was whole"
    : reasonOf(failure);

const isFramed = ({ headers }: IncomingMessage): boolean =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

/** An answer as it comes in, piece by piece. */
function receivedParts(clock: TransportDependencies["clock"]) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let response: IncomingMessage | undefined;

  /** @throws {BodyTooLarge} by `decode` */
  const answer = (decode: typeof decodeContent): HttpAnswer | undefined =>
    response && {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: decode(Buffer.concat(chunks), response.headers["content-encoding"], maximumBodyBytes),
      receivedAtMs: clock.nowMs(),
    };
  const partial = () => answer(decodeFront);

  return {
    begin: (incoming: IncomingMessage): void => {
      response = incoming;
    },
    /** False: more than may be read. */
    add: (chunk: Buffer): boolean => {
      bytes += chunk.length;
      chunks.push(chunk);
      return bytes <= maximumBodyBytes;
    },
    partial,
    whole: (): Exchange => {
      try {
        const whole = answer(decodeContent);
        return whole === undefined
          ? { kind: "too_large", partial: undefined }
          : { kind: "answered", answer: whole };
      } catch (error) {
        if (!(error instanceof BodyTooLarge)) throw error;
        return { kind: "too_large", partial: partial() };
      }
    },
  };
}
