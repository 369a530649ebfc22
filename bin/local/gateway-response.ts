import { isObject } from "../../functions/validation/structures.ts";
import {
  type GatewayResponse,
  type GatewayResponseType,
  gatewayResponses,
  problemBody,
} from "../../lib/gateway-responses.ts";

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Buffer;
}

/** A response that the deployed gateway generates itself. */
export function gatewayResponse(type: GatewayResponseType, requestId: string): HttpResponse {
  const response: GatewayResponse = gatewayResponses[type];
  return {
    status: response.status,
    headers: { ...response.headers, "Content-Type": "application/problem+json" },
    body: JSON.stringify(problemBody(response, requestId)),
  };
}

/**
 * Converts a function's result. Undefined: the result does not have the format of a proxy integration.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
 */
export function integrationResponse(result: unknown): HttpResponse | undefined {
  if (!isObject(result)) return undefined;
  const { statusCode: status, body = "", isBase64Encoded = false } = result;
  const single = headerMap(result.headers ?? {}, isScalar);
  const multiple = headerMap(result.multiValueHeaders ?? {}, Array.isArray);
  if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599) {
    return undefined;
  }
  if (typeof body !== "string" || typeof isBase64Encoded !== "boolean") return undefined;
  if (single === undefined || multiple === undefined) return undefined;
  const headers = Object.entries({ "Content-Type": "application/json", ...single, ...multiple });
  return {
    status,
    headers: Object.fromEntries(headers.map(([name, value]) => [remapped(name), value])),
    body: isBase64Encoded ? Buffer.from(body, "base64") : body,
  };
}

/**
 * Headers of a function's response that a REST API renames.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
 */
const remappedHeaders = new Set(["connection", "date", "server", "www-authenticate"]);

const remapped = (name: string): string =>
  remappedHeaders.has(name.toLowerCase()) ? `x-amzn-Remapped-${name}` : name;

function headerMap(
  value: unknown,
  isValue: (value: unknown) => boolean,
): Record<string, string | string[]> | undefined {
  if (!isObject(value) || !Object.values(value).every(isValue)) return undefined;
  const texts = Object.entries(value).map(([name, one]) => [
    name,
    Array.isArray(one) ? one.map(String) : String(one),
  ]);
  return Object.fromEntries(texts);
}

const isScalar = (value: unknown): boolean =>
  ["string", "number", "boolean"].includes(typeof value);
