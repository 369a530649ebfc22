import type { providers } from "../../functions/adapters/provider-catalogue/catalogue.ts";
import { oauthTokenEndpoint } from "../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { registeredEndpoint } from "../../functions/adapters/token-endpoint/registered-endpoint.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import { parsedRegistration } from "./parsed-registration.ts";
import { type ReceivedRequest, startProvider } from "./provider-stand-in.ts";
import { tokenRequest } from "./token-requests.ts";

/** A response of a token endpoint as the page of its vendor shows it. */
export interface RecordedResponse {
  /** @default 200 */
  readonly status?: number;
  /** @default `Content-Type: application/json` */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body: object | string;
}

export interface Replay extends RecordedResponse {
  /** The `config` of the connection, which fills the variables of the endpoint. @default {} */
  readonly config?: Readonly<Record<string, string>>;
  /** Members of the registration's secret beside `provider`. They replace `client_id: "client"` and `client_secret: "secret"`. */
  readonly secret?: Readonly<Record<string, unknown>>;
  /** The stored scope, beside the tokens `at-1` and `rt-1`. @default undefined */
  readonly scope?: string;
}

export interface Replayed {
  /** The result of the adapter. Its tokens print as `[redacted]`. */
  readonly result: TokenResult;
  /** The tokens of the result in the clear. Undefined: none were granted. */
  readonly tokens: PlainTokens | undefined;
  readonly request: ReplayedRequest;
}

export interface PlainTokens {
  readonly accessToken: string;
  /** Undefined: `rt-1` is kept. */
  readonly refreshToken: string | undefined;
  readonly scope: string | undefined;
  /** Whole seconds from the response on. Undefined: unknown. */
  readonly expiresInSeconds: number | undefined;
  /** The end that a refresh moves. */
  readonly refreshTokenExpiresInSeconds: number | undefined;
  /** The end that no refresh moves. */
  readonly refreshTokenAbsoluteExpiresInSeconds: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Oddities of the response. */
  readonly notes: readonly string[];
}

export interface ReplayedRequest {
  readonly method: string | undefined;
  /** The vendor's URL that the request would have gone to, its variables filled, without its query. */
  readonly endpoint: string;
  /** The names are in lower case. */
  readonly headers: ReceivedRequest["headers"];
  /** The parameters of the query and of the body, a form or JSON. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, string>>;
}

const nowMs = Date.UTC(2026, 0, 1, 12);

/**
 * Refreshes a connection to a provider of the catalogue through the whole adapter and a real socket; a
 * stand-in on 127.0.0.1 receives what the vendor's endpoint would, at the same path, and gives the
 * response that the vendor documents. One file for each letter's providers, in test/adapters/provider-catalogue/entries/:
 *
 * ```ts
 * // https://developers.google.com/identity/protocols/oauth2/web-server#offline
 * describe("google", () => {
 *   test("a success keeps the refresh token", async () => {
 *     const { tokens, request } = await replay("google", {
 *       body: { access_token: "at-2", expires_in: 3920, token_type: "Bearer" },
 *     });
 *     expect(request).toMatchObject({
 *       method: "POST",
 *       endpoint: "https://oauth2.googleapis.com/token",
 *       parameters: { grant_type: "refresh_token", refresh_token: "rt-1", client_id: "client" },
 *     });
 *     expect(tokens).toMatchObject({ accessToken: "at-2", refreshToken: undefined, notes: [] });
 *   });
 *   test("a dead token", async () => {
 *     const { result } = await replay("google", { status: 400, body: { error: "invalid_grant" } });
 *     expect(result).toMatchObject({ kind: "refused", providerError: "invalid_grant" });
 *   });
 * });
 * ```
 *
 * An entry needs a success, with or without a new refresh token, and the dead token and the rate limit that its
 * vendor documents. `result.kind` is `granted`, `refused` (dead), `client_rejected`, `rate_limited`,
 * `unavailable` (transient) or `unusable`.
 */
export const replay = (
  entryName: keyof typeof providers,
  { secret = {}, ...exchange }: Replay,
): Promise<Replayed> => replaySecret({ ...secret, provider: entryName }, exchange);

/** Like {@link replay}, for a registration whose secret has these members. Its provider may be any. */
export async function replaySecret(
  secret: Readonly<Record<string, unknown>>,
  { config = {}, scope, ...recorded }: Omit<Replay, "secret">,
): Promise<Replayed> {
  const registration = parsedRegistration({
    ...{ client_id: "client", client_secret: "secret" },
    ...secret,
  });
  const endpoint = registeredEndpoint(registration, config, false);
  const standIn = await startProvider((response) => write(response, recorded));
  try {
    const grant = oauthTokenEndpoint({ clock: { nowMs: () => nowMs }, allowLoopback: true });
    const tokenEndpoint = new URL(`${endpoint.pathname}${endpoint.search}`, standIn.url).href;
    const result = await grant.refresh(
      tokenRequest(
        { ...registration, tokenEndpoint },
        { config, scope, ...(registration.renewsWithAccessToken && { refreshToken: undefined }) },
      ),
    );
    const [received] = standIn.requests;
    if (received === undefined) throw new Error(`nothing was sent: ${JSON.stringify(result)}`);
    return { result, tokens: plainTokens(result), request: requestOf(received, endpoint) };
  } finally {
    await standIn.close();
  }
}

function write(
  response: Parameters<Parameters<typeof startProvider>[0]>[0],
  { status = 200, headers = {}, body }: RecordedResponse,
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function plainTokens(result: TokenResult): PlainTokens | undefined {
  if (result.kind !== "granted") return undefined;
  const { tokens, notes } = result;
  const secondsUntil = (instantMs: number | undefined) =>
    instantMs === undefined ? undefined : Math.floor((instantMs - nowMs) / 1000);
  return {
    accessToken: tokens.accessToken.reveal(),
    refreshToken: tokens.refreshToken?.reveal(),
    scope: tokens.scope,
    expiresInSeconds: secondsUntil(tokens.expiresAtMs),
    refreshTokenExpiresInSeconds: secondsUntil(tokens.refreshTokenExpiresAtMs),
    refreshTokenAbsoluteExpiresInSeconds: secondsUntil(tokens.refreshTokenAbsoluteExpiresAtMs),
    extra: tokens.extra,
    notes,
  };
}

function requestOf(
  { method, path = "", headers, body }: ReceivedRequest,
  vendor: URL,
): ReplayedRequest {
  const received = new URL(path, vendor);
  const query = Object.fromEntries(received.searchParams);
  return {
    method,
    endpoint: `${received.origin}${received.pathname}`,
    headers,
    parameters: { ...query, ...parametersOf(headers["content-type"] ?? "", body) },
    query,
  };
}

function parametersOf(contentType: string, body: string): Readonly<Record<string, unknown>> {
  if (body === "") return {};
  if (contentType.startsWith("application/json")) return JSON.parse(body);
  return Object.fromEntries(new URLSearchParams(body));
}
