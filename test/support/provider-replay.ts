import type { providers } from "../../functions/adapters/provider-catalogue/catalogue.ts";
import { oauthTokenEndpoint } from "../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { registeredEndpoint } from "../../functions/adapters/token-endpoint/registered-endpoint.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import { parsedRegistration } from "./parsed-registration.ts";
import { type ReceivedRequest, startProvider } from "./provider-stand-in.ts";
import { tokenRequest } from "./token-requests.ts";

/** What the vendor's page shows that its endpoint answers. */
export interface RecordedAnswer {
  /** @default 200 */
  readonly status?: number;
  /** @default `Content-Type: application/json` */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body: object | string;
}

export interface Replay extends RecordedAnswer {
  /** Of the connection; fills the variables of the endpoint. @default {} */
  readonly config?: Readonly<Record<string, string>>;
  /** Members of the registration's secret beside `provider`, which may replace these. @default `client_id: "client"`, `client_secret: "secret"` */
  readonly secret?: Readonly<Record<string, unknown>>;
  /** What the connection stores: `at-1`, `rt-1`, and this scope. @default undefined */
  readonly scope?: string;
}

export interface Replayed {
  /** What the adapter made of the answer; tokens in it print as `[redacted]`. */
  readonly answer: TokenResult;
  /** The tokens of the answer in the clear; undefined: none were granted. */
  readonly tokens: PlainTokens | undefined;
  readonly request: ReplayedRequest;
}

export interface PlainTokens {
  readonly accessToken: string;
  /** Undefined: the old one, `rt-1`, stays. */
  readonly refreshToken: string | undefined;
  readonly scope: string | undefined;
  /** Whole seconds from the answer; undefined: not known. */
  readonly expiresInSeconds: number | undefined;
  /** The end that a refresh moves. */
  readonly refreshTokenExpiresInSeconds: number | undefined;
  /** The end that no refresh moves. */
  readonly refreshTokenAbsoluteExpiresInSeconds: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** What was odd about the answer. */
  readonly notes: readonly string[];
}

export interface ReplayedRequest {
  readonly method: string | undefined;
  /** The vendor's URL that the request would have gone to, its variables filled, without its query. */
  readonly endpoint: string;
  /** In lower case. */
  readonly headers: ReceivedRequest["headers"];
  /** Of the query and of the body, be it a form or JSON. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, string>>;
}

const nowMs = Date.UTC(2026, 0, 1, 12);

/**
 * Refreshes a connection to a provider of the catalogue through the whole adapter and a real socket; a
 * stand-in on 127.0.0.1 receives what the vendor's endpoint would, at the same path, and gives the
 * answer that the vendor documents. One file for each letter's providers, in test/adapters/provider-catalogue/entries/:
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
 *     const { answer } = await replay("google", { status: 400, body: { error: "invalid_grant" } });
 *     expect(answer).toMatchObject({ kind: "refused", providerError: "invalid_grant" });
 *   });
 * });
 * ```
 *
 * An entry needs a success, rotated or not, and of a dead token and a rate limit whatever its vendor
 * documents. `answer.kind` is `granted`, `refused` (dead), `client_rejected`, `rate_limited`,
 * `unavailable` (transient) or `unusable`.
 */
export const replay = (
  entryName: keyof typeof providers,
  { secret = {}, ...exchange }: Replay,
): Promise<Replayed> => replaySecret({ ...secret, provider: entryName }, exchange);

/** As {@link replay}, of a registration whose secret has these members, and whose provider may be any. */
export async function replaySecret(
  secret: Readonly<Record<string, unknown>>,
  { config = {}, scope, ...recorded }: Omit<Replay, "secret">,
): Promise<Replayed> {
  const registration = parsedRegistration({
    ...{ client_id: "client", client_secret: "secret" },
    ...secret,
  });
  const endpoint = registeredEndpoint(registration, config, false);
  const standIn = await startProvider((response) => answerWith(response, recorded));
  try {
    const grant = oauthTokenEndpoint({ clock: { nowMs: () => nowMs }, allowLoopback: true });
    const tokenEndpoint = new URL(`${endpoint.pathname}${endpoint.search}`, standIn.url).href;
    const answer = await grant.refresh(
      tokenRequest(
        { ...registration, tokenEndpoint },
        { config, scope, ...(registration.renewsWithAccessToken && { refreshToken: undefined }) },
      ),
    );
    const [received] = standIn.requests;
    if (received === undefined) throw new Error(`nothing was sent: ${JSON.stringify(answer)}`);
    return { answer, tokens: plainTokens(answer), request: requestOf(received, endpoint) };
  } finally {
    await standIn.close();
  }
}

function answerWith(
  response: Parameters<Parameters<typeof startProvider>[0]>[0],
  { status = 200, headers = {}, body }: RecordedAnswer,
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function plainTokens(answer: TokenResult): PlainTokens | undefined {
  if (answer.kind !== "granted") return undefined;
  const { tokens, notes } = answer;
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
