import type { IncomingHttpHeaders } from "node:http";
import type { TlsCredentials } from "../../domain/ports/client-registration.ts";
import type { Deadline } from "./deadline.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Shown in the TLS handshake to a server that asks. */
  readonly clientCertificate?: TlsCredentials | undefined;
  /** From the look-up of the host to the last byte of the response. */
  readonly deadline: Deadline;
  /** Called when the connection is open and nothing is sent yet; false: nothing is sent. */
  readonly maySend: () => boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Content codings undone. */
  readonly body: Uint8Array;
  /** When the last byte was read. */
  readonly receivedAtMs: number;
}

/**
 * How one exchange ended. `forbidden`, `unreachable`, `not_sent`: nothing of the request was sent.
 * `certificate_refused`: the server read nothing of it. All others: the server may have done what the
 * request asked for.
 */
export type HttpExchange =
  | UnsentExchange
  | { readonly kind: "not_sent" }
  | { readonly kind: "response"; readonly response: HttpResponse }
  | CutOffExchange;

/** An exchange that ended before its request was sent. */
export type UnsentExchange =
  /** The host has addresses, and none that may be connected to. */
  | { readonly kind: "forbidden" }
  /** The server's TLS stack refused the client's certificate, or missed one. */
  | { readonly kind: "certificate_refused"; readonly alert: string }
  /** Host not found, connection refused, TLS failed, or the deadline passed. */
  | { readonly kind: "unreachable"; readonly reason: string };

/** An exchange that ended before the end of its response. `partial`: the front of the response, if any came. */
type CutOffExchange = { readonly partial: HttpResponse | undefined } & (
  | { readonly kind: "timed_out" | "too_large" }
  | { readonly kind: "broken_off"; readonly reason: string }
);
