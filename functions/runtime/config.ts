import type { TokenKeySource } from "../adapters/kms/content-keys.ts";
import type { TokenFormat } from "../adapters/kms/token-cipher.ts";
import { isLoopbackHost } from "../adapters/token-endpoint/endpoint-url.ts";
import { type LogLevel, logLevels } from "../telemetry/log.ts";
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
  object,
  optional,
  type Read,
  required,
  type Variable,
  whereAnyIsSet,
  withDefault,
} from "./environment.ts";

const text = (name: string): Variable<string> => ({
  ...{ name, expected: "a value" },
  parse: (value) => value,
});

const list = (name: string): Variable<readonly string[]> => ({
  ...{ name, expected: "values separated by commas" },
  parse(value) {
    const listed = value.split(",").map((one) => one.trim());
    return listed.every((one) => one !== "") ? listed : undefined;
  },
});

const url = (name: string): Variable<string> => ({
  ...{ name, expected: "an http or https address" },
  parse: (value) => (/^https?:$/.test(URL.parse(value)?.protocol ?? "") ? value : undefined),
});

const secretPrefix = (name: string): Variable<string> => ({
  ...{ name, expected: "the first part of secrets' names, without a slash at its end" },
  parse: (value) => (secretPrefixPattern.test(value) ? value : undefined),
});

const flag = (name: string): Read<boolean> =>
  withDefault(
    {
      ...{ name, expected: "true or false" },
      parse: (value) => (["true", "false"].includes(value) ? value === "true" : undefined),
    },
    false,
  );

const limited = (name: LimitedVariable, form: RegExp, expected: string): Read<number> => {
  const { minimum, maximum, default: byDefault } = limits[name];
  const parse = (value: string): number | undefined => {
    const number = form.test(value) ? Number(value) : Number.NaN;
    return number >= minimum && number <= maximum ? number : undefined;
  };
  return withDefault({ name, expected: `${expected}, ${minimum} to ${maximum}`, parse }, byDefault);
};

const integer = (name: LimitedVariable): Read<number> =>
  limited(name, /^\d{1,9}$/, "a whole number");

const seconds = (name: LimitedVariable): Read<number> =>
  limited(name, /^\d+(?:\.\d+)?$/, "seconds");

/** A variable in seconds. */
const milliseconds =
  (name: LimitedVariable): Read<number> =>
  (environment) =>
    1000 * seconds(name)(environment);

const logLevel: Read<LogLevel> = withDefault(
  {
    ...{ name: "LOG_LEVEL", expected: `one of ${logLevels.join(", ")}` },
    parse: (value) => logLevels.find((level) => level === value.toUpperCase()),
  },
  defaultLogLevel,
);

const allowLoopback = flag("ALLOW_LOOPBACK_PROVIDERS");

const algorithms: Read<readonly string[]> = withDefault(
  {
    name: "JWT_ALGORITHMS",
    expected: `some of ${jwtAlgorithms.join(", ")}, separated by commas`,
    parse(value) {
      const listed = value.split(",").map((algorithm) => algorithm.trim());
      return listed.every((algorithm) => jwtAlgorithms.includes(algorithm)) ? listed : undefined;
    },
  },
  defaultJwtAlgorithms,
);

/** The address of a key set: https, or http to a loopback address where that is allowed. */
const keySetAddress = (name: string): Variable<URL> => ({
  ...{ name, expected: "an https address" },
  parse(value, environment) {
    const address = URL.parse(value) ?? undefined;
    if (address?.protocol === "https:") return address;
    const isLocal = address?.protocol === "http:" && isLoopbackHost(address.hostname);
    return isLocal && allowLoopback(environment) ? address : undefined;
  },
});

/** How token sets are encrypted. */
const tokenCipherMembers = {
  /** Id, ARN or alias of the KMS key that wraps. */
  kmsKeyId: required(text("KMS_KEY_ID")),
  /** KMS keys that unwrap what they wrapped before. */
  formerKmsKeyIds: withDefault(list("FORMER_KMS_KEY_IDS"), []),
  branchKeysTable: required(text("BRANCH_KEYS_TABLE")),
  stage: required(text("STAGE")),
  tokenFormat: withDefault<TokenFormat>(
    {
      ...{ name: "TOKEN_FORMAT", expected: `one of ${tokenFormats.join(", ")}` },
      parse: (value) => tokenFormats.find((format) => String(format) === value),
    },
    defaultTokenFormat,
  ),
  tokenKeySource: withDefault<TokenKeySource>(
    {
      ...{ name: "TOKEN_KEY_SOURCE", expected: `one of ${tokenKeySources.join(", ")}` },
      parse: (value) => tokenKeySources.find((source) => source === value),
    },
    defaultTokenKeySource,
  ),
  /** The number of branch keys that seal at a time. */
  branches: integer("BRANCH_KEYS"),
};

/** @throws {InvalidEnvironment} */
export const tokenCipherConfig = object(tokenCipherMembers);
export type TokenCipherConfig = ReturnType<typeof tokenCipherConfig>;

const refreshMembers = {
  ...tokenCipherMembers,
  connectionsTable: required(text("CONNECTIONS_TABLE")),
  coordinationTable: required(text("COORDINATION_TABLE")),
  /** The first part of the names of all client registrations' secrets. */
  secretPrefix: required(secretPrefix("SECRET_PREFIX")),
  providerTimeoutSeconds: seconds("PROVIDER_TIMEOUT_SECONDS"),
  coalesceWindowMs: milliseconds("COALESCE_WINDOW_SECONDS"),
  /** The age up to which a cached client registration is used. */
  clientCacheMs: milliseconds("CLIENT_CACHE_SECONDS"),
  /** Undefined: a token set that cannot be committed goes to the log. */
  rescueQueueUrl: optional(url("RESCUE_QUEUE_URL")),
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
export const apiConfig = object(refreshMembers);
export type RefreshConfig = ReturnType<typeof apiConfig>;

/** @throws {InvalidEnvironment} */
export const workerConfig = object({
  ...refreshMembers,
  /** The messages of a batch that are worked on at a time. */
  concurrency: integer("WORKER_CONCURRENCY"),
});

/** @throws {InvalidEnvironment} */
export const sweepConfig = object({
  connectionsTable: required(text("CONNECTIONS_TABLE")),
  coordinationTable: required(text("COORDINATION_TABLE")),
  refreshQueueUrl: required(url("REFRESH_QUEUE_URL")),
  logLevel,
});

/** @throws {InvalidEnvironment} */
export const rescueConfig = object({
  connectionsTable: required(text("CONNECTIONS_TABLE")),
  /** Undefined: the queue's own visibility timeout decides when a message that failed comes again. */
  rescueQueueUrl: optional(url("RESCUE_QUEUE_URL")),
  logLevel,
});

const jwtConfig = object({
  issuer: required(text("JWT_ISSUER")),
  audience: required(text("JWT_AUDIENCE")),
  jwksUri: required(keySetAddress("JWT_JWKS_URI")),
  algorithms,
});
export type JwtConfig = ReturnType<typeof jwtConfig>;

/** @throws {InvalidEnvironment} */
export const authorizerConfig = object({
  apiKeysTable: required(text("API_KEYS_TABLE")),
  /** Undefined: API keys alone are accepted. */
  jwt: whereAnyIsSet(["JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URI"], jwtConfig),
  logLevel,
});
