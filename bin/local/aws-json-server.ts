import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isObject } from "../../functions/validation/structures.ts";
import { closeServer, listenOnLoopback } from "./loopback.ts";

export type AwsJson = Readonly<Record<string, unknown>>;
/** @param disconnected is aborted when the client has closed the connection */
export type AwsOperation = (
  input: AwsJson,
  disconnected: AbortSignal,
) => AwsJson | Promise<AwsJson>;

/** An error of the service. The SDK reports `code` as the error's `name`. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "AwsError";
    this.code = code;
    this.status = status;
  }
}

export interface AwsJsonServerOptions {
  /** The part of `x-amz-target` before the operation, such as `TrentService` for KMS. */
  readonly targetPrefix: string;
  readonly operations: Readonly<Record<string, AwsOperation>>;
  /** @default 0, any free port */
  readonly port?: number;
  /** @default 1048576 */
  readonly maximumBodyBytes?: number;
  /** Additional headers of an error response. @default none */
  readonly errorHeaders?: (error: AwsError) => Readonly<Record<string, string>>;
}

export interface AwsJsonServer {
  /** For `AWS_ENDPOINT_URL_*`. */
  readonly endpoint: string;
  /** The number of requests for each operation, failed ones included. */
  requests(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
const signatureV4 =
  /^AWS4-HMAC-SHA256 Credential=[^/\s]+\/\d{8}\/[^/\s]+\/[^/\s]+\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/;

/**
 * Serves one AWS service on a loopback address, in the AWS JSON protocol
 * (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html). A request needs a signature, which is not verified.
 */
export async function startAwsJsonServer({
  targetPrefix,
  operations,
  port = 0,
  maximumBodyBytes = 1024 * 1024,
  errorHeaders = () => ({}),
}: AwsJsonServerOptions): Promise<AwsJsonServer> {
  const counts = new Map<string, number>();
  const outputOf = async (
    request: IncomingMessage,
    disconnected: AbortSignal,
  ): Promise<AwsJson> => {
    const name = operationName(request, targetPrefix);
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (operation === undefined) {
      throw new AwsError(
        "UnknownOperationException",
        `the stand-in has no operation ${targetPrefix}.${name}`,
      );
    }
    requireSignature(request);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return operation(await readInput(request, maximumBodyBytes), disconnected);
  };

  const server = createServer((request, response) => {
    const contentType = request.headers["content-type"] ?? "application/x-amz-json-1.1";
    const disconnected = new AbortController();
    response.once("close", () => disconnected.abort());
    outputOf(request, disconnected.signal).then(
      (output) => send(response, 200, contentType, output),
      (error: unknown) => sendError(response, contentType, error, errorHeaders),
    );
  });
  const endpoint = await listenOnLoopback(server, port);
  return {
    endpoint,
    requests: () => Object.fromEntries(counts),
    close: () => closeServer(server),
  };
}

function operationName({ method, headers }: IncomingMessage, targetPrefix: string): string {
  const target = headers["x-amz-target"];
  if (method !== "POST" || typeof target !== "string" || !target.startsWith(`${targetPrefix}.`)) {
    throw new AwsError(
      "UnknownOperationException",
      `expected a POST with x-amz-target: ${targetPrefix}.…`,
    );
  }
  return target.slice(targetPrefix.length + 1);
}

function requireSignature({ headers }: IncomingMessage): void {
  if (headers.authorization === undefined) {
    throw new AwsError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  if (!signatureV4.test(headers.authorization)) {
    throw new AwsError(
      "IncompleteSignatureException",
      "The Authorization header does not conform to SigV4",
    );
  }
}

async function readInput(request: IncomingMessage, maximumBodyBytes: number): Promise<AwsJson> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maximumBodyBytes) {
      throw new AwsError(
        "RequestEntityTooLargeException",
        `at most ${maximumBodyBytes} bytes`,
        413,
      );
    }
    chunks.push(chunk);
  }
  try {
    const input: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (isObject(input)) return input;
  } catch {
    // The parser's message quotes the input, which may hold a secret.
  }
  throw new AwsError("SerializationException", "The body is not a JSON object");
}

function sendError(
  response: ServerResponse,
  contentType: string,
  cause: unknown,
  headersOf: (error: AwsError) => Readonly<Record<string, string>>,
): void {
  const error =
    cause instanceof AwsError
      ? cause
      : new AwsError("InternalFailure", `the stand-in failed: ${cause}`, 500);
  const { code, status, message } = error;
  for (const [name, value] of Object.entries(headersOf(error))) response.setHeader(name, value);
  // The rest of an unread body is discarded with the connection.
  response.setHeader("connection", "close");
  send(response, status, contentType, { __type: code, message });
}

function send(response: ServerResponse, status: number, contentType: string, body: AwsJson): void {
  response
    .writeHead(status, { "content-type": contentType, "x-amzn-requestid": randomUUID() })
    .end(JSON.stringify(body));
}
