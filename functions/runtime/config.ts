import type { TokenKeySource } from "../adapters/kms/content-keys.ts";
import type { TokenFormat } from "../adapters/kms/token-cipher.ts";
import { isLoopbackHost } from "../adapters/token-endpoint/endpoint-url.ts";
import { type LogLevel, logLevels } from "../telemetry/log.ts";
import { invalid } from "../validation/check.ts";
import { matching, string } from "../validation/values.ts";
import {
  defaultJwtAlgorithms,
  defaultLogLevel,
  defaultTokenFormat,
  defaultTokenKeySource,
  jwtAlgorithms,
  type LimitedVariable,
  limits,
  secretPrefixPattern,
  tokenFormats,
  tokenKeySources,
} from "./accepted-values.ts";
import {
  config,
  object,
  optional,
  parsed,
  type Read,
  required,
  whereAnyIsSet,
  withDefault,
} from "./environment.ts";

const list = parsed("values separated by commas", (text) => {
  const values = text.split(",").map((value) => value.trim());
  return values.every((value) => value !== "") ? values : undefined;
});

const url = parsed("an http or https address", (text) =>
  /^https?:$/.test(URL.parse(text)?.protocol ?? "") ? text : undefined,
);

const secretPrefix = matching(
  secretPrefixPattern,
  "the first part of secrets' names, without a slash at its end",
);

const flag = (name: string): Read<boolean> =>
  withDefault(
    name,
    parsed("true or false", (text) => [true, false].find((value) => String(value) === text)),
    false,
  );

const oneOf = <Value extends string | number>(
  name: string,
  values: readonly Value[],
  byDefault: Value,
): Read<Value> =>
  withDefault(
    name,
    parsed(`one of ${values.join(", ")}`, (text) => values.find((value) => String(value) === text)),
    byDefault,
  );

const limited = (name: LimitedVariable, form: RegExp, expected: string): Read<number> => {
  const { minimum, maximum, default: byDefault } = limits[name];
  const number = parsed(`${expected}, ${minimum} to ${maximum}`, (text) => {
    const value = form.test(text) ? Number(text) : Number.NaN;
    return value >= minimum && value <= maximum ? value : undefined;
  });
  return withDefault(name, number, byDefault);
};

const integer = (name: LimitedVariable): Read<number> =>
  limited(name, /^\d{1,9}$/, "a whole number");

const seconds = (name: LimitedVariable): Read<number> =>
  limited(name, /^\d+(?:\.\d+)?$/, "seconds");

/** A variable in seconds. */
const milliseconds =
  (name: LimitedVariable): Read<number> =>
  (environment, place) => {
    const value = seconds(name)(environment, place);
    return value === invalid ? invalid : 1000 * value;
  };

const logLevel: Read<LogLevel> = withDefault(
  "LOG_LEVEL",
  parsed(`one of ${logLevels.join(", ")}`, (text) =>
    logLevels.find((level) => level === text.toUpperCase()),
  ),
  defaultLogLevel,
);

const allowLoopback = flag("ALLOW_LOOPBACK_PROVIDERS");

const algorithms: Read<readonly string[]> = withDefault(
  "JWT_ALGORITHMS",
  parsed(`some of ${jwtAlgorithms.join(", ")}, separated by commas`, (text) => {
    const listed = text.split(",").map((algorithm) => algorithm.trim());
    return listed.every((algorithm) => jwtAlgorithms.includes(algorithm)) ? listed : undefined;
  }),
  defaultJwtAlgorithms,
);

/** The address of a key set: https, or http to a loopback address where that is allowed. */
const keySetAddress =
  (name: string): Read<URL> =>
  (environment, place) => {
    const isLoopbackAllowed = allowLoopback(environment, place) === true;
    const address = parsed("an https address", (text) => {
      const url = URL.parse(text) ?? undefined;
      const isLocal = url?.protocol === "http:" && isLoopbackHost(url.hostname);
      return url?.protocol === "https:" || (isLocal && isLoopbackAllowed) ? url : undefined;
    });
    return required(name, address)(environment, place);
  };

/** The encryption of token sets. */
const tokenCipherMembers = {
  /** Id, ARN or alias of the KMS key that encrypts the keys of token sets. */
  kmsKeyId: required("KMS_KEY_ID", string),
  /** KMS keys that were the token key before. They only decrypt. */
  formerKmsKeyIds: withDefault("FORMER_KMS_KEY_IDS", list, []),
  branchKeysTable: required("BRANCH_KEYS_TABLE", string),
  stage: required("STAGE", string),
  tokenFormat: oneOf<TokenFormat>("TOKEN_FORMAT", tokenFormats, defaultTokenFormat),
  tokenKeySource: oneOf<TokenKeySource>("TOKEN_KEY_SOURCE", tokenKeySources, defaultTokenKeySource),
  /** The number of branch keys in use at a time. */
  branches: integer("BRANCH_KEYS"),
};

/** @throws {InvalidEnvironment} */
export const tokenCipherConfig = config(tokenCipherMembers);
export type TokenCipherConfig = ReturnType<typeof tokenCipherConfig>;

const refreshMembers = {
  ...tokenCipherMembers,
  connectionsTable: required("CONNECTIONS_TABLE", string),
  coordinationTable: required("COORDINATION_TABLE", string),
  /** The first part of the names of all client registrations' secrets. */
  secretPrefix: required("SECRET_PREFIX", secretPrefix),
  /** Token sets that were sealed before they were bound to their issuer are sent no more. */
  requiresBinding: flag("REQUIRE_BOUND_TOKENS"),
  providerTimeoutSeconds: seconds("PROVIDER_TIMEOUT_SECONDS"),
  coalesceWindowMs: milliseconds("COALESCE_WINDOW_SECONDS"),
  /** The age up to which a cached client registration is used. */
  clientCacheMs: milliseconds("CLIENT_CACHE_SECONDS"),
  /** Undefined: a token set that cannot be committed goes to the log. */
  rescueQueueUrl: optional("RESCUE_QUEUE_URL", url),
  /** For development: permits http, to loopback addresses alone. */
  allowLoopback,
  /** The longest time that a due connection waits for a sweep. */
  sweepIntervalMs: milliseconds("SWEEP_INTERVAL_SECONDS"),
  /**
   * How long a token may have been expired, with nothing but transient failures, before its connection's
   * status is `error`.
   */
  giveUpAfterMs: milliseconds("GIVE_UP_AFTER_SECONDS"),
  logLevel,
};

/** The environment of every function that refreshes. @throws {InvalidEnvironment} */
export const apiConfig = config(refreshMembers);
export type RefreshConfig = ReturnType<typeof apiConfig>;

/** @throws {InvalidEnvironment} */
export const workerConfig = config({
  ...refreshMembers,
  /** The messages of a batch that are worked on at a time. */
  concurrency: integer("WORKER_CONCURRENCY"),
});

/** @throws {InvalidEnvironment} */
export const sweepConfig = config({
  connectionsTable: required("CONNECTIONS_TABLE", string),
  coordinationTable: required("COORDINATION_TABLE", string),
  refreshQueueUrl: required("REFRESH_QUEUE_URL", url),
  logLevel,
});

/** @throws {InvalidEnvironment} */
export const rescueConfig = config({
  ...tokenCipherMembers,
  connectionsTable: required("CONNECTIONS_TABLE", string),
  /** Undefined: a failed message becomes visible again after the queue's own visibility timeout. */
  rescueQueueUrl: optional("RESCUE_QUEUE_URL", url),
  logLevel,
});

const jwtConfig = object({
  issuer: required("JWT_ISSUER", string),
  audience: required("JWT_AUDIENCE", string),
  jwksUri: keySetAddress("JWT_JWKS_URI"),
  algorithms,
});
export type JwtConfig = NonNullable<ReturnType<typeof authorizerConfig>["jwt"]>;

const callersConfig = object({
  stage: required("STAGE", string),
  /** The buckets of the API's usage plan. */
  buckets: integer("CALLER_BUCKETS"),
});

/** @throws {InvalidEnvironment} */
export const authorizerConfig = config({
  apiKeysTable: required("API_KEYS_TABLE", string),
  /** Undefined: API keys alone are accepted. */
  jwt: whereAnyIsSet(["JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URI"], jwtConfig),
  /** Undefined: the API has no usage plan. */
  callers: whereAnyIsSet(["CALLER_BUCKETS"], callersConfig),
  logLevel,
});
