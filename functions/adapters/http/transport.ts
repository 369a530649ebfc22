import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TlsCredentials } from "../../domain/ports/client-registration.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { type BoundedBody, boundedBody } from "./bounded-body.ts";
import { decodeContent } from "./content-coding.ts";
import type { Deadline } from "./deadline.ts";
import { connectTo, type Lookup, reasonOf } from "./provider-connection.ts";
import { alertOfClientCertificate } from "./tls-alert.ts";

export const maximumBodyBytes = 1024 * 1024;
const maximumHeaderBytes = 64 * 1024;
/** A response in more chunks, or behind more informational responses, is made to keep its reader busy. */
const maximumChunks = 64 * 1024;
const maximumInformationalResponses = 100;

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
  let ended: Ended;
  try {
    if (!request.maySend()) return { kind: "not_sent" };
    ended = await exchange(socket, request, clock);
  } finally {
    socket.destroy();
  }
  return decoded(ended);
}

/** The end of an exchange, its response as the bytes that came. */
type Ended =
  | { readonly kind: "certificate_refused"; readonly alert: string }
  | {
      readonly kind: "answered" | "timed_out" | "too_large";
      readonly received: Received | undefined;
    }
  | {
      readonly kind: "broken_off";
      readonly reason: string;
      readonly received: Received | undefined;
    };

interface Received {
  readonly response: IncomingMessage;
  readonly body: Buffer;
  readonly receivedAtMs: number;
}

async function decoded(ended: Ended): Promise<Exchange> {
  if (ended.kind === "certificate_refused") return ended;
  const content = ended.received && (await decodedAnswer(ended.received));
  const partial = content?.answer;
  if (ended.kind === "broken_off") return { kind: "broken_off", reason: ended.reason, partial };
  if (ended.kind === "timed_out") return { kind: "timed_out", partial };
  return ended.kind === "answered" && content?.isWhole
    ? { kind: "answered", answer: content.answer }
    : { kind: "too_large", partial };
}

async function decodedAnswer({
  response,
  body: encoded,
  receivedAtMs,
}: Received): Promise<{ readonly answer: HttpAnswer; readonly isWhole: boolean }> {
  const { statusCode: status = 0, headers } = response;
  const coding = headers["content-encoding"];
  const { body, isWhole } = await decodeContent(encoded, coding, maximumBodyBytes);
  return { answer: { status, headers, body, receivedAtMs }, isWhole };
}

function exchange(
  socket: Socket,
  { url, method, headers, body, deadline }: TokenEndpointRequest,
  clock: TransportDependencies["clock"],
): Promise<Ended> {
  return new Promise((resolve) => {
    const content: BoundedBody = boundedBody(maximumBodyBytes, maximumChunks);
    let response: IncomingMessage | undefined;
    let failure: unknown;
    let informational = 0;
    let hasEnded = false;

    const received = (): Received | undefined =>
      response && { response, body: content.bytes(), receivedAtMs: clock.nowMs() };
    /** Once: nothing that comes after the end is looked at. */
    const end = (ended: Ended): void => {
      if (hasEnded) return;
      hasEnded = true;
      resolve(ended);
      socket.destroy();
    };
    const breakOff = (): void => {
      if (hasEnded) return;
      const alert = alertOfClientCertificate(failure);
      const reason = breakReason(failure);
      const broken: Ended = { kind: "broken_off", reason, received: received() };
      end(alert === undefined ? broken : { kind: "certificate_refused", alert });
    };

    const outgoing = httpRequest({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, "accept-encoding": "identity" },
      maxHeaderSize: maximumHeaderBytes,
      // RFC 9112 §2.2, §5.2, §6.3: a bare line feed, a folded header, a length beside chunks can all be
      // read, and the tokens behind them are the only ones. What Node has against that (one response
      // passed off as two) needs a connection that carries more than one.
      insecureHTTPParser: true,
    });
    outgoing.on("information", () => {
      informational++;
      if (informational > maximumInformationalResponses) {
        const reason = `more than ${maximumInformationalResponses} informational responses`;
        end({ kind: "broken_off", reason, received: undefined });
      }
    });
    outgoing.on("response", (incoming) => {
      response = incoming;
      incoming.on("error", () => {});
      incoming.on("data", (chunk: Buffer) => {
        if (!hasEnded && !content.add(chunk)) end({ kind: "too_large", received: received() });
      });
      incoming.on("end", () => {
        // A body without a length ends with its connection, and a reset is no such end.
        if (failure !== undefined && !isFramed(incoming)) return;
        end({ kind: "answered", received: received() });
      });
    });
    // Bytes that came before an error are delivered after it: only `close` is the end.
    outgoing.on("error", (error) => {
      failure = error;
    });
    outgoing.on("close", breakOff);
    outgoing.end(body);
    deadline.passed.catch(() => end({ kind: "timed_out", received: received() }));
  });
}

const breakReason = (failure: unknown): string =>
  failure === undefined
    ? "the connection was closed before the response was whole"
    : reasonOf(failure);

const isFramed = ({ headers }: IncomingMessage): boolean =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
