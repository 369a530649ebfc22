import { parseClientRegistration } from "../../../functions/adapters/client-registration.ts";
import type { ProviderEntry } from "../../../functions/adapters/provider-entry.ts";
import { providersA } from "../../../functions/adapters/providers/a.ts";
import { providersBToC } from "../../../functions/adapters/providers/b-c.ts";
import { providersDToE } from "../../../functions/adapters/providers/d-e.ts";
import { providersF } from "../../../functions/adapters/providers/f.ts";
import { providersGToH } from "../../../functions/adapters/providers/g-h.ts";
import { providersIToL } from "../../../functions/adapters/providers/i-l.ts";
import { providers } from "../../../functions/adapters/providers.ts";
import type { RegistrationName } from "../../../functions/domain/connection.ts";
import {
  type RecordedAnswer,
  type ReplayedRequest,
  replay,
} from "../../support/provider-replay.ts";
import { exchangesAToC } from "./a-to-c.ts";
import { exchangesDToF } from "./d-to-f.ts";
import type { DocumentedExchange } from "./documented-exchange.ts";
import { exchangesGToL } from "./g-to-l.ts";

const exchanges = { ...exchangesAToC, ...exchangesDToF, ...exchangesGToL };
type Name = keyof typeof exchanges & keyof typeof providers;

/** Replayed beside these, one by one. */
const replayedByHand = ["facebook", "google"];

test("every provider from A to L is replayed", () => {
  const entries = {
    ...{ ...providersA, ...providersBToC, ...providersDToE, ...providersF },
    ...{ ...providersGToH, ...providersIToL },
  };
  expect([...Object.keys(exchanges), ...replayedByHand].sort()).toEqual(Object.keys(entries));
});

const registrationName = "integrations/acme" as RegistrationName;
const refreshGrant = { grant_type: "refresh_token", refresh_token: "rt-1" };
const clientParameters = {
  basic: {},
  post: { client_id: "client", client_secret: "secret" },
  none: { client_id: "client" },
  unnamed: {},
};
const contentTypes = {
  form: /^application\/x-www-form-urlencoded/,
  json: /^application\/json/,
  query: /^$/,
};

describe.each(Object.entries<DocumentedExchange>(exchanges))("%s", (name, exchange) => {
  const { registration: secret = {}, config = {}, sent, understood = {} } = exchange;
  const answered = (recorded: RecordedAnswer) =>
    replay(name as Name, { secret, config, ...recorded });
  const granted = { access_token: "at-2", ...exchange.answer };
  const refused = ({ status, answer }: NonNullable<DocumentedExchange["dead"]>) =>
    answered({ status, body: answer });

  test("is asked as its page has it", async () => {
    const { request } = await answered({ body: granted });
    const { method = "POST", as = "form", client, parameters = refreshGrant } = sent;
    const [endpoint, query = ""] = sent.url.split("?");
    const own = Object.fromEntries(new URLSearchParams(query));
    const all = { ...parameters, ...clientParameters[client] };
    expect(request).toMatchObject({ method, endpoint });
    expect(request.query).toEqual(as === "query" ? { ...own, ...all } : own);
    expect(request.parameters).toEqual({ ...own, ...all });
    expect(request.headers.accept).toBe("application/json");
    expect(request.headers["content-type"] ?? "").toMatch(contentTypes[as]);
    expect(credentialsOf(request)).toBe(client === "basic" ? "client:secret" : undefined);
  });

  test("brings tokens, and what else it says of them", async () => {
    const { tokens } = await answered({ body: granted });
    const { refresh_token, expires_in, scope } = exchange.answer;
    expect(tokens).toEqual({
      accessToken: "at-2",
      refreshToken: refresh_token,
      scope: understood.scope ?? (scope === "" ? undefined : scope),
      expiresInSeconds: expires_in === undefined ? undefined : Number(expires_in),
      refreshTokenExpiresInSeconds: understood.refreshLifetimeSeconds,
      refreshTokenAbsoluteExpiresInSeconds: understood.absoluteLifetimeSeconds,
      extra: Object.fromEntries(
        (understood.keeps ?? []).map((member) => [member, exchange.answer[member]]),
      ),
      notes: understood.notes ?? [],
    });
  });

  test("lives as long as it is known to where the answer does not say", async () => {
    const { expires_in: _, ...withoutEnd } = granted as { expires_in?: unknown };
    const { tokens } = await answered({ body: withoutEnd });
    expect(tokens?.expiresInSeconds).toBe(understood.defaultLifetimeSeconds);
  });

  test("rotates its refresh token as its entry says", () => {
    const { refresh_token: next } = exchange.answer;
    const { rotation }: ProviderEntry = providers[name as Name];
    if (rotation === "always") expect(next).toMatch(/rt-2$/);
    if (rotation === "never") expect(next).toBeUndefined();
  });

  test("is held to its rules", () => {
    const json = JSON.stringify({ client_id: "client", client_secret: "secret", provider: name });
    expect(parseClientRegistration(registrationName, "1", json)).toMatchObject({
      refreshTokenAbsoluteSeconds: undefined,
      minimumRefreshIntervalSeconds: undefined,
      maxPerMinute: undefined,
      maxConcurrent: undefined,
      ...exchange.rules,
    });
  });

  test("says so of a dead token", async () => {
    const { dead = { status: 400, answer: { error: "invalid_grant" } } } = exchange;
    const { answer } = await refused(dead);
    expect(answer).toMatchObject({
      kind: "refused",
      providerErrorDescription: dead.words ?? dead.answer.error_description,
    });
  });

  test("asks to wait", async () => {
    const { limited = { status: 429, answer: { error: "too_many_requests" } } } = exchange;
    const { status, answer: body } = limited;
    const { answer } = await answered({ status, headers: { "Retry-After": "30" }, body });
    expect(answer).toEqual({ kind: "rate_limited", retryAfterMs: 30_000 });
  });

  test("does not blame the connection for the client", async () => {
    const { rejected = { status: 401, answer: { error: "invalid_client" } } } = exchange;
    expect((await refused(rejected)).answer).toMatchObject({ kind: "client_rejected" });
  });

  test("says nothing of the token when it fails itself", async () => {
    const { answer } = await answered({ status: 500, body: exchange.dead?.answer ?? {} });
    expect(answer).toMatchObject({ kind: "unusable", serverFailed: true });
  });
});

/** Of HTTP Basic, decoded. */
function credentialsOf({ headers }: ReplayedRequest): string | undefined {
  const [scheme, credentials] = headers.authorization?.split(" ") ?? [];
  return scheme === "Basic" && credentials !== undefined ? atob(credentials) : undefined;
}
