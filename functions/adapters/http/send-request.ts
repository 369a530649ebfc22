import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../domain/ports/clock.ts";
import { type BoundedBody, boundedBody } from "./bounded-body.ts";
import { reasonOf } from "./connection.ts";
import { type DecodedContent, type DecodingLimits, decodeContent } from "./content-coding.ts";
import { deadlineAfter } from "./deadline.ts";
import type { HttpExchange, HttpRequest, HttpResponse } from "./exchange.ts";
import { alertOfClientCertificate } from "./tls-alert.ts";

export interface ReadingRules {
  readonly clock: Pick<Clock, "nowMs">;
  /** The longest body, before and after its decoding. */
  readonly maximumBodyBytes: number;
}

const maximumHeaderBytes = 64 * 1024;
/** Each chunk and each informational response costs the parser a turn. */
const maximumChunks = 64 * 1024;
const maximumInformationalResponses = 100;
/** Received bytes for each byte that a body may have: a limit to chunk extensions and other framing. */
const maximumFramingFactor = 4;
/**
 * For decoding what came before the deadline, which takes milliseconds. A provider's deadline leaves two seconds
 * to store tokens: this is part of them.
 */
const decodingGraceMs = 500;

/** Sends a request over an open connection and reads the response. Closes the connection. */
export function sendRequest(
  socket: Socket,
  request: HttpRequest,
  { clock, maximumBodyBytes }: ReadingRules,
): Promise<HttpExchange> {
  return new Promise((resolve) => {
    const received: Received = { body: boundedBody(maximumBodyBytes, maximumChunks) };
    let failure: unknown;
    let isOver = false;
    const end = (cut?: CutOff) => {
      if (isOver) return;
      isOver = true;
      // Nothing that the server sends from here on is read.
      outgoing.destroy();
      const deadline = deadlineAfter(request.deadline, decodingGraceMs);
      const limits = { maximumBytes: maximumBodyBytes, deadline };
      resolve(exchangeOf(received, cut, clock.nowMs(), limits));
    };

    const outgoing = begin(socket, request);
    outgoing.on("socket", () => {
      readInTurns(socket, maximumFramingFactor * maximumBodyBytes, () =>
        end({ kind: "too_large" }),
      );
    });
    let informationalResponses = 0;
    outgoing.on("information", () => {
      informationalResponses++;
      if (informationalResponses <= maximumInformationalResponses) return;
      const reason = `more than ${maximumInformationalResponses} informational responses`;
      end({ kind: "broken_off", reason });
    });
    outgoing.on("response", (response) => {
      received.response = response;
      response.on("error", () => {});
      response.on("data", (chunk: Buffer) => {
        if (!received.body.add(chunk)) end({ kind: "too_large" });
      });
      response.on("end", () => {
        // A body without a length ends with its connection, and a reset is not such an end.
        if (failure === undefined || isFramed(response)) end();
      });
    });
    // Bytes that came before an error are delivered after it: only `close` is the end.
    outgoing.on("error", (error) => {
      failure = error;
    });
    outgoing.on("close", () => end({ kind: "broken_off", reason: lossOf(failure), failure }));
    outgoing.end(request.body);
    request.deadline.passed.catch(() => end({ kind: "timed_out" }));
  });
}

const begin = (socket: Socket, { url, method, headers }: HttpRequest) =>
  httpRequest({
    createConnection: () => socket,
    method,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, "accept-encoding": "identity" },
    maxHeaderSize: maximumHeaderBytes,
    // RFC 9112 §2.2, §5.2, §6.3: a bare line feed, a folded header and a length beside chunks can all be
    // read, and the tokens behind them exist nowhere else. The attack that Node prevents (one response
    // passed off as two) needs a connection that carries more than one.
    insecureHTTPParser: true,
  });

/** Node reads up to 32 times in a row from a socket that has more; a pause gives other work its turn. */
function readInTurns(socket: Socket, maximumBytes: number, stop: () => void): void {
  socket.on("data", () => {
    if (socket.bytesRead > maximumBytes) return stop();
    socket.pause();
    setImmediate(() => socket.resume());
  });
}

/** The response, as far as it has arrived. */
interface Received {
  response?: IncomingMessage;
  readonly body: BoundedBody;
}

/** The end of an exchange before the end of its response. */
type CutOff =
  | { readonly kind: "timed_out" | "too_large" }
  | { readonly kind: "broken_off"; readonly reason: string; readonly failure?: unknown };

const lossOf = (failure: unknown): string =>
  failure === undefined
    ? "the connection was closed before the response was whole"
    : reasonOf(failure);

const isFramed = ({ headers }: IncomingMessage): boolean =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

/** A promise only where there is a large body to decode: tokens do not wait for their write. */
function exchangeOf(
  { response, body }: Received,
  cut: CutOff | undefined,
  receivedAtMs: number,
  limits: DecodingLimits,
): HttpExchange | Promise<HttpExchange> {
  if (response === undefined)
    return cutOff(cut ?? { kind: "broken_off", reason: lossOf(undefined) });
  const { statusCode: status = 0, headers } = response;
  const decoded = decodeContent(body.bytes(), headers["content-encoding"], limits);
  const withContent = ({ bytes, ending }: DecodedContent): HttpExchange => {
    const read = { status, headers, body: bytes, receivedAtMs };
    if (cut !== undefined) return cutOff(cut, read);
    return ending === "whole"
      ? { kind: "response", response: read }
      : cutOff({ kind: ending }, read);
  };
  if (!(decoded instanceof Promise)) return withContent(decoded);
  return decoded.then(withContent).finally(() => limits.deadline.clear());
}

function cutOff(cut: CutOff, partial?: HttpResponse): HttpExchange {
  if (cut.kind !== "broken_off") return { kind: cut.kind, partial };
  const { reason, failure } = cut;
  const alert = alertOfClientCertificate(failure);
  return alert === undefined
    ? { kind: "broken_off", reason, partial }
    : { kind: "certificate_refused", alert };
}
