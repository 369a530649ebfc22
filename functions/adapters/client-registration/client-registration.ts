import type { RegistrationName } from "../../domain/model/connection.ts";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import { Secret } from "../../domain/model/secret.ts";
import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  clientAuthenticationMethods,
  refreshPolicies,
} from "../../domain/ports/client-registration.ts";
import { parseClientCredentials } from "./client-credentials.ts";
import { parseRegisteredProvider } from "./registered-provider.ts";

/** What a person states of a registration; what is left undefined gets the defaults of {@link parseClientRegistration}. */
export interface ClientRegistrationDraft {
  readonly clientId: string;
  readonly clientSecret?: Secret<string> | undefined;
  readonly tokenEndpointAuthMethod?: string | undefined;
  /** Members for methods that need more than a secret, by their names in the secret. */
  readonly credentials?: Secret<Readonly<Record<string, unknown>>> | undefined;
  /** Optional where a `provider` or an issuer is named. */
  readonly tokenEndpoint?: string | undefined;
  /** A catalogue entry. */
  readonly provider?: string | undefined;
  readonly issuer?: string | undefined;
  readonly refreshPolicy?: string | undefined;
  readonly refreshTokenIdleSeconds?: number | undefined;
  /** Members that replace fields of the entry, by their names in the secret. */
  readonly replacements?: Readonly<Record<string, unknown>> | undefined;
}

/** The content of a registration's secret, in the names of RFC 7591 §2 where it has them. */
export const registrationJson = (draft: ClientRegistrationDraft): string =>
  JSON.stringify({
    ...draft.replacements,
    provider: draft.provider,
    client_id: draft.clientId,
    client_secret: draft.clientSecret?.reveal(),
    token_endpoint_auth_method: draft.tokenEndpointAuthMethod,
    ...draft.credentials?.reveal(),
    token_endpoint: draft.tokenEndpoint,
    issuer: draft.issuer,
    refresh_policy: draft.refreshPolicy,
    refresh_token_idle_seconds:
      draft.refreshTokenIdleSeconds ?? draft.replacements?.refresh_token_idle_seconds,
  });

/**
 * Reads a registration's secret. `provider` names a catalogue entry, of which any field can be replaced
 * by a member of its name in snake_case (adapters/provider-catalogue/provider-fields.ts); without one, `token_endpoint`
 * says where. `token_endpoint_auth_method` defaults to the entry's, or `client_secret_basic` (RFC 7591
 * §2), where there is a secret, to `none` where not; `refresh_policy` to `proactive`. Members that are
 * not known are left alone.
 *
 * @param version changes whenever `json` does
 * @throws {MisconfiguredRegistration} naming every member at fault, and no value
 */
export function parseClientRegistration(
  name: RegistrationName,
  version: string,
  json: string,
): ClientRegistration {
  const faults: string[] = [];
  const secret = parseObject(name, json);
  const read = memberReader(secret, faults);
  const { provider, endpoint, clientAuthentication } = parseRegisteredProvider(secret, faults);

  const clientId = read.required("client_id", visibleCharacters, "printable ASCII characters");
  const clientSecret = read.optional(
    "client_secret",
    visibleCharacters,
    "printable ASCII characters (a line break at its end?)",
  );
  const tokenEndpointAuthMethod = read.oneOf<ClientAuthenticationMethod>(
    "token_endpoint_auth_method",
    clientAuthenticationMethods,
    defaultMethod(clientSecret, clientAuthentication),
  );
  const credentials = parseClientCredentials(secret, tokenEndpointAuthMethod, faults);
  const tokenEndpoint = endpointOf(read, endpoint);
  if (!["token_endpoint", "issuer", "provider"].some(read.has)) {
    faults.push("token_endpoint: required, or issuer");
  }
  const issuer = read.optional(
    "issuer",
    isIssuer,
    "an http or https URL without user, password, query, fragment and variables",
  );
  const refreshPolicy = read.oneOf("refresh_policy", refreshPolicies, "proactive");
  if (refreshPolicy === "keepalive" && provider.refreshTokenIdleSeconds === undefined) {
    faults.push("refresh_token_idle_seconds: required by the refresh_policy keepalive");
  }

  if (faults.length > 0) throw misconfigured(name, faults.join("; "));
  return {
    name,
    version,
    clientId,
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    tokenEndpointAuthMethod,
    authMethodIsAssumed: !read.has("token_endpoint_auth_method") && !clientAuthentication,
    ...credentials,
    issuer,
    tokenEndpoint,
    refreshPolicy,
    refreshTokenIdleSeconds: provider.refreshTokenIdleSeconds,
    refreshTokenAbsoluteSeconds: provider.refreshTokenAbsoluteSeconds,
    rotation: provider.rotation === "setting" ? undefined : provider.rotation,
    rotationGraceSeconds: provider.rotationGraceSeconds,
    minimumRefreshIntervalSeconds: provider.minimumRefreshIntervalSeconds,
    maxConcurrent: provider.maxConcurrent,
    maxPerMinute: provider.maxPerMinute,
    renewsWithAccessToken: provider.renewsWith === "access_token",
    provider,
  };
}

/** A public client has no secret that an entry's method could use. */
const defaultMethod = (
  clientSecret: string | undefined,
  entryMethod: ClientAuthenticationMethod = "client_secret_basic",
): ClientAuthenticationMethod =>
  clientSecret === undefined && entryMethod.startsWith("client_secret_") ? "none" : entryMethod;

/** Where refresh tokens are exchanged. A `token_endpoint` of the secret stands for both of the entry's. */
function endpointOf(read: MemberReader, entryEndpoint: string | undefined): string | undefined {
  const form = "an http or https URL without user, password and fragment";
  const tokenEndpoint = read.optional("token_endpoint", isEndpoint, form);
  const refreshEndpoint = read.optional("refresh_endpoint", isEndpoint, form);
  return refreshEndpoint ?? tokenEndpoint ?? entryEndpoint;
}

/** @param reason for the operator; holds no secret */
export const misconfigured = (name: RegistrationName, reason: string): MisconfiguredRegistration =>
  new MisconfiguredRegistration(`Client registration ${name}: ${reason}.`);

type Members = Readonly<Record<string, unknown>>;

function parseObject(name: RegistrationName, json: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The parser's message quotes the secret.
    throw misconfigured(name, "the secret is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw misconfigured(name, "the secret is not a JSON object");
  }
  return value as Members;
}

type Check = (value: string) => boolean;

/** Reads members one by one and notes the faults. What it returns for a faulty member is never used. */
function memberReader(members: Members, faults: string[]) {
  const has = (member: string): boolean => Object.hasOwn(members, member);

  const optional = (member: string, check: Check, form: string): string | undefined => {
    if (!has(member)) return undefined;
    const value = members[member];
    if (typeof value === "string" && check(value)) return value;
    faults.push(`${member}: has to be ${typeof value === "string" ? form : "a string"}`);
    return undefined;
  };

  const required = (member: string, check: Check, form: string): string => {
    if (!has(member)) faults.push(`${member}: required`);
    return optional(member, check, form) ?? "";
  };

  const oneOf = <Choice extends string>(
    member: string,
    choices: readonly Choice[],
    fallback: Choice,
  ): Choice => {
    if (!has(member)) return fallback;
    const chosen = choices.find((choice) => choice === members[member]);
    if (chosen === undefined) faults.push(`${member}: has to be one of ${choices.join(", ")}`);
    return chosen ?? fallback;
  };

  return { has, optional, required, oneOf };
}

type MemberReader = ReturnType<typeof memberReader>;

/** `1*VSCHAR`: RFC 6749 Appendix A.1, A.2. */
const visibleCharacters: Check = (value) => /^[\x20-\x7e]+$/.test(value);

/**
 * RFC 6749 §3.2: a token endpoint has no fragment. A variable, `{subdomain}`, may stand anywhere;
 * whether the endpoint may be called is for the grant to say, once the variables are filled.
 */
const isEndpoint: Check = (value) => {
  const url = URL.parse(value.replaceAll(/\{\w+\}/g, "x"));
  if (url === null || !["https:", "http:"].includes(url.protocol)) return false;
  return url.username === "" && url.password === "" && !value.includes("#");
};

/** RFC 8414 §2. Whether it may be asked is for the grant to say. */
const isIssuer: Check = (value) =>
  isEndpoint(value) && /^[\x21\x23-\x5b\x5d-\x7a\x7c\x7e]+$/.test(value) && !value.includes("?");
