import { canary, canaryTokens } from "../support/canaries.ts";
import { type Respond, respondWith, respondWithJson } from "../support/provider-stand-in.ts";

/** A response of a provider, and what the caller of the refresh gets. */
export interface CanaryResponse {
  readonly name: string;
  readonly respond: Respond;
  readonly status: number;
  /** Options of `integrations put`. @default "--auth client_secret_post" */
  readonly options?: string;
}

/** Each request gets new values. */
const fresh =
  (respond: () => Respond): Respond =>
  (response, request) =>
    respond()(response, request);

export const tokenResponse = fresh(() => respondWithJson(200, canaryTokens()));

/** The worst provider: it repeats what it was sent. */
export const echo =
  (status: number, error: string): Respond =>
  (response, request) => {
    const { path, body, headers } = request;
    const description = `not good: ${path} ${body} ${headers.authorization} ${decodeURIComponent(body)}`;
    const message = `${decodeURIComponent(path ?? "")} ${description}`;
    const members = { error, error_description: description, error_uri: `https://x/?${body}` };
    respondWithJson(status, { ...members, message })(response, request);
  };

const post = "--auth client_secret_post";
const isDead = '--set errors=[{"means":"dead","error":"gone"}]';

export const canaryResponses: readonly CanaryResponse[] = [
  { name: "granted", respond: tokenResponse, status: 200 },
  {
    name: "odd",
    respond: fresh(() =>
      respondWithJson(203, { ...canaryTokens(), error: "odd", expires_in: canary("expiry") }),
    ),
    status: 200,
  },
  {
    name: "form",
    respond: fresh(() =>
      respondWith(200, "text/plain", `access_token=${canary("a")}&refresh_token=${canary("r")}`),
    ),
    status: 200,
  },
  {
    name: "cut-off",
    respond: fresh(() =>
      respondWith(200, "application/json", JSON.stringify(canaryTokens()).slice(0, -20)),
    ),
    status: 200,
  },
  { name: "refused", respond: echo(400, "invalid_grant"), status: 409 },
  { name: "client", respond: echo(401, "invalid_client"), status: 502 },
  {
    name: "client-basic",
    respond: echo(401, "invalid_client"),
    status: 502,
    options: "--auth client_secret_basic",
  },
  { name: "failing", respond: echo(500, "server_error"), status: 502 },
  { name: "unknown", respond: echo(400, "weird_error"), status: 502 },
  {
    name: "html",
    respond: fresh(() => respondWith(200, "text/html", `<p>${canary("page")}`)),
    status: 502,
  },
  {
    name: "garbage",
    respond: fresh(() =>
      respondWith(200, "application/json", `{"access_tok": "${canary("garbage")}`),
    ),
    status: 502,
  },
  {
    name: "redirect",
    respond: (response) =>
      response.writeHead(302, { Location: `https://x/?t=${canary("location")}` }).end(),
    status: 502,
  },
  {
    name: "query",
    respond: echo(400, "invalid_grant"),
    status: 409,
    options: `${post} --set parameters_in=query --set error_text_at=message`,
  },
  {
    name: "ruled",
    respond: echo(400, "gone"),
    status: 409,
    options: `${post} --set parameters_in=json --set error_text_at=message ${isDead}`,
  },
  {
    name: "nested",
    respond: fresh(() => respondWithJson(200, { data: canaryTokens(), ...canaryTokens() })),
    status: 200,
    options: `${post} --set tokens_at=data`,
  },
  { name: "slow", respond: () => undefined, status: 504 },
  { name: "closed", respond: (response) => response.destroy(), status: 502 },
];
