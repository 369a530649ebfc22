import type { IncomingMessage } from "node:http";
import type { GatewayResponseType } from "../../lib/gateway-responses.ts";

/** An HTTP request that matched a route of the API, read to its end. */
export interface MatchedRequest extends Route {
  readonly requestId: string;
  readonly receivedAtMs: number;
  /** The path as it was sent: encoded, without the query. */
  readonly path: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Alternating names and values, as they were sent. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly sourceIp: string;
}

export interface Route {
  readonly method: string;
  /** The resource's path, with its variables: `/connections/{connection_id}`. */
  readonly resource: string;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html */
const maximumBodyBytes = 10 * 1024 * 1024;

/** @returns the gateway's own response if the request goes no further */
export async function matchRequest(
  request: IncomingMessage,
  { method, resource }: Route,
  requestId: string,
): Promise<MatchedRequest | GatewayResponseType> {
  const receivedAtMs = Date.now();
  const path = pathOf(request);
  const pathParameters = matchPath(resource, path);
  if (pathParameters === undefined || request.method !== method) {
    return "MISSING_AUTHENTICATION_TOKEN";
  }
  const body = await readBody(request);
  if (body === undefined) return "REQUEST_TOO_LARGE";
  return {
    ...{ requestId, receivedAtMs, method, resource, path, pathParameters, body },
    query: new URLSearchParams((request.url ?? "").slice(path.length)),
    rawHeaders: request.rawHeaders,
    sourceIp: request.socket.remoteAddress ?? "",
  };
}

/** The path as it was sent: encoded, without the query. */
export const pathOf = ({ url = "" }: IncomingMessage): string => url.replace(/\?.*$/s, "");

/** A header's values, in order. @param name in lower case */
export const headerValues = (
  { rawHeaders }: Pick<MatchedRequest, "rawHeaders">,
  name: string,
): string[] =>
  rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);

/** The decoded values of the variables. Undefined: the path does not match the resource. */
function matchPath(resource: string, path: string): Record<string, string> | undefined {
  const template = resource.split("/");
  const segments = path.split("/");
  if (segments.length !== template.length) return undefined;
  const values: Record<string, string> = {};
  for (const [i, part] of template.entries()) {
    const segment = segments[i] ?? "";
    const variable = /^\{(\w+)\}$/.exec(part)?.[1];
    if (variable === undefined ? segment !== part : segment === "") return undefined;
    if (variable !== undefined) values[variable] = decode(segment);
  }
  return values;
}

/** Invalid percent-encoding stays as it is. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maximumBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
