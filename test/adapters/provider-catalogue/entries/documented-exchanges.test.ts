import { parseClientRegistration } from "../../../../functions/adapters/client-registration/client-registration.ts";
import { providers } from "../../../../functions/adapters/provider-catalogue/catalogue.ts";
import type { ProviderEntry } from "../../../../functions/adapters/provider-catalogue/provider-entry.ts";
import type { RegistrationName } from "../../../../functions/domain/model/connection.ts";
import {
  type RecordedResponse,
  type ReplayedRequest,
  replay,
} from "../../../support/provider-replay.ts";
import { exchangesAToC } from "./a-to-c.ts";
import { exchangesDToF } from "./d-to-f.ts";
import type { DocumentedExchange } from "./documented-exchange.ts";
import { exchangesGToL } from "./g-to-l.ts";
import { exchangesMToO } from "./m-to-o.ts";
import { exchangesPToR } from "./p-to-r.ts";
import { exchangesS } from "./s.ts";
import { exchangesTToU } from "./t-to-u.ts";
import { exchangesWToZ } from "./w-to-z.ts";

const exchanges = {
  ...{ ...exchangesAToC, ...exchangesDToF, ...exchangesGToL },
  ...{ ...exchangesMToO, ...exchangesPToR, ...exchangesS, ...exchangesTToU, ...exchangesWToZ },
};
type Name = keyof typeof exchanges & keyof typeof providers;

/** Replayed in test files of their own. */
const replayedByHand = ["facebook", "google", "slack", "square", "strava", "withings"];

test("every provider of the catalogue is replayed", () => {
  const replayed = [...Object.keys(exchanges), ...replayedByHand];
  expect(replayed.sort()).toEqual(Object.keys(providers));
});

const registrationName = "integrations/acme" as RegistrationName;
const refreshGrant = { grant_type: "refresh_token", refresh_token: "rt-1" };
const client_secret = "s/2=";
const clientParameters = {
  basic: {},
  raw_basic: {},
  post: { client_id: "client", client_secret },
  none: { client_id: "client" },
  unnamed: {},
};
const credentials = { basic: "client:s%2F2%3D", raw_basic: "client:s/2=" };
const contentTypes = {
  form: /^application\/x-www-form-urlencoded/,
  json: /^application\/json/,
  query: /^$/,
};

describe.each(Object.entries<DocumentedExchange>(exchanges))("%s", (name, exchange) => {
  const { registration: secret = {}, config = {}, sent, understood = {} } = exchange;
  const exchanged = (recorded: RecordedResponse) =>
    replay(name as Name, { secret: { client_secret, ...secret }, config, ...recorded });
  const granted = { access_token: "at-2", ...exchange.response };
  const refused = ({ status, response }: NonNullable<DocumentedExchange["dead"]>) =>
    exchanged({ status, body: response });

  test("gets the request that its page shows", async () => {
    const { request } = await exchanged({ body: granted });
    const { method = "POST", as = "form", client, parameters = refreshGrant } = sent;
    const [endpoint, query = ""] = sent.url.split("?");
    const own = Object.fromEntries(new URLSearchParams(query));
    const all = { ...parameters, ...clientParameters[client] };
    expect(request).toMatchObject({ method, endpoint });
    expect(request.query).toEqual(as === "query" ? { ...own, ...all } : own);
    expect(request.parameters).toEqual({ ...own, ...all });
    expect(request.headers.accept).toBe("application/json");
    expect(request.headers["content-type"] ?? "").toMatch(contentTypes[as]);
    const { [client as keyof typeof credentials]: inHeader } = credentials;
    expect(credentialsOf(request)).toBe(inHeader);
  });

  test("returns tokens and their properties", async () => {
    const { tokens } = await exchanged({ body: granted });
    const { refresh_token, expires_in, scope } = exchange.response;
    expect(tokens).toEqual({
      accessToken: "at-2",
      refreshToken: refresh_token,
      scope: understood.scope ?? (scope === "" ? undefined : scope),
      expiresInSeconds: expires_in === undefined ? undefined : Number(expires_in),
      refreshTokenExpiresInSeconds: understood.refreshLifetimeSeconds,
      refreshTokenAbsoluteExpiresInSeconds: understood.absoluteLifetimeSeconds,
      extra: Object.fromEntries(
        (understood.keeps ?? []).map((member) => [member, exchange.response[member]]),
      ),
      notes: understood.notes ?? [],
    });
  });

  test("has its known lifetimes where the response does not state them", async () => {
    const stated = Object.entries(granted);
    const withoutEnds = Object.fromEntries(stated.filter(([name]) => !/expires_in$/.test(name)));
    const saysRefreshEnd = stated.some(([name]) => /refresh_.*expires_in$/.test(name));
    const { tokens } = await exchanged({ body: withoutEnds });
    expect(tokens?.expiresInSeconds).toBe(understood.defaultLifetimeSeconds);
    const { refreshLifetimeSeconds, defaultRefreshLifetimeSeconds } = understood;
    expect(tokens?.refreshTokenExpiresInSeconds).toBe(
      defaultRefreshLifetimeSeconds ?? (saysRefreshEnd ? undefined : refreshLifetimeSeconds),
    );
  });

  test("rotates its refresh token as its entry states", () => {
    const { refresh_token: next } = exchange.response;
    const { rotation }: ProviderEntry = providers[name as Name];
    if (rotation === "always") expect(next).toMatch(/rt-2$/);
    if (rotation === "never") expect(next ?? "rt-1").toBe("rt-1");
  });

  test("has its limits", () => {
    const json = JSON.stringify({ client_id: "client", client_secret: "secret", provider: name });
    expect(parseClientRegistration(registrationName, "1", json)).toMatchObject({
      refreshTokenAbsoluteSeconds: undefined,
      minimumRefreshIntervalSeconds: undefined,
      maxPerMinute: undefined,
      maxConcurrent: undefined,
      ...exchange.rules,
    });
  });

  test("reports a dead token", async () => {
    const { dead = { status: 400, response: { error: "invalid_grant" } } } = exchange;
    const { result } = await refused(dead);
    expect(result).toMatchObject({
      kind: "refused",
      providerErrorDescription: dead.words ?? dead.response.error_description,
    });
  });

  test("reports too many requests", async () => {
    const tooMany = { status: 429, response: { error: "too_many_requests" } };
    const { limited = tooMany }: DocumentedExchange = exchange;
    const { status, response: body, concerns } = limited;
    const { result } = await exchanged({ status, headers: { "Retry-After": "30" }, body });
    expect(result).toEqual({ kind: "rate_limited", retryAfterMs: 30_000, concerns });
  });

  test("reports a rejected client as the fault of the registration", async () => {
    const { rejected = { status: 401, response: { error: "invalid_client" } } } = exchange;
    expect((await refused(rejected)).result).toMatchObject({ kind: "client_rejected" });
  });

  test("does not report a dead token when it fails itself", async () => {
    const { result } = await exchanged({ status: 500, body: exchange.dead?.response ?? {} });
    expect(result).toMatchObject({ kind: "unusable", serverFailed: true });
  });
});

/** Id and secret of HTTP Basic, decoded. */
function credentialsOf({ headers }: ReplayedRequest): string | undefined {
  const [scheme, credentials] = headers.authorization?.split(" ") ?? [];
  return scheme === "Basic" && credentials !== undefined ? atob(credentials) : undefined;
}
