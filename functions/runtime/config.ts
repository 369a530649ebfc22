import {
  defaultProviderTimeoutSeconds,
  maximumProviderTimeoutSeconds,
} from "../domain/model/budget.ts";
import { defaultGiveUpAfterSeconds, defaultSweepIntervalSeconds } from "../domain/schedule/due.ts";

import { type LogLevel, logLevels } from "../telemetry/log.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every function that refreshes takes. */
export interface RefreshConfig {
  /** `CONNECTIONS_TABLE` */
  readonly connectionsTable: string;
  /** `COORDINATION_TABLE` */
  readonly coordinationTable: string;
  /** `SECRET_PREFIX`: what the names of all client registrations' secrets begin with. */
  readonly secretPrefix: string;
  /** `KMS_KEY_ID`: id, ARN or alias. */
  readonly kmsKeyId: string;
  /** `PROVIDER_TIMEOUT_SECONDS`, 1 to 18. @default 15 */
  readonly providerTimeoutSeconds: number;
  /** `COALESCE_WINDOW_SECONDS`, 0 to 300. @default 10 */
  readonly coalesceWindowMs: number;
  /** `CLIENT_CACHE_SECONDS`, 0 to 86400: how old a cached client registration may be. @default 300 */
  readonly clientCacheMs: number;
  /** `RESCUE_QUEUE_URL`; undefined: the log is where a token set goes that cannot be committed. */
  readonly rescueQueueUrl: string | undefined;
  /** `ALLOW_LOOPBACK_PROVIDERS`: http, and loopback addresses, for development. @default false */
  readonly allowLoopback: boolean;
  /** `SWEEP_INTERVAL_SECONDS`, 1 to 3600: how long what is due may wait for a sweep. @default 60 */
  readonly sweepIntervalMs: number;
  /**
   * `GIVE_UP_AFTER_SECONDS`, 3600 to 31622400: how long a token may have been expired, with nothing but
   * transient failures, before its connection's status is `error`. @default 604800, seven days
   */
  readonly giveUpAfterMs: number;
  /** `LOG_LEVEL` @default "INFO" */
  readonly logLevel: LogLevel;
}

export interface WorkerConfig extends RefreshConfig {
  /** `WORKER_CONCURRENCY`, 1 to 100: messages of a batch that are worked on at a time. @default 10 */
  readonly concurrency: number;
}

export interface SweepConfig {
  /** `CONNECTIONS_TABLE` */
  readonly connectionsTable: string;
  /** `COORDINATION_TABLE` */
  readonly coordinationTable: string;
  /** `REFRESH_QUEUE_URL` */
  readonly refreshQueueUrl: string;
  /** `LOG_LEVEL` @default "INFO" */
  readonly logLevel: LogLevel;
}

export interface AuthorizerConfig {
  /** `API_KEYS_TABLE` */
  readonly apiKeysTable: string;
  /** Undefined: API keys alone are accepted. */
  readonly jwt: JwtConfig | undefined;
  /** `LOG_LEVEL` @default "INFO" */
  readonly logLevel: LogLevel;
}

export interface RescueConfig {
  /** `CONNECTIONS_TABLE` */
  readonly connectionsTable: string;
  /** `LOG_LEVEL` @default "INFO" */
  readonly logLevel: LogLevel;
}

export interface JwtConfig {
  /** `JWT_ISSUER` */
  readonly issuer: string;
  /** `JWT_AUDIENCE` */
  readonly audience: string;
  /** `JWT_JWKS_URI`: https; http too, to loopback, with `ALLOW_LOOPBACK_PROVIDERS`. */
  readonly jwksUri: URL;
  /** `JWT_ALGORITHMS`, comma-separated. @default RS256,PS256,ES256,EdDSA */
  readonly algorithms: readonly string[];
}

/** Signatures with a private key, RFC 7518 §3.1 and RFC 8037: a public key set verifies no other. */
const jwtAlgorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
const defaultJwtAlgorithms = "RS256,PS256,ES256,EdDSA";

/** Every name at fault, so that one deployment mends them all. */
class InvalidEnvironment extends Error {
  constructor(faults: readonly string[]) {
    super(`invalid environment: ${faults.join("; ")}`);
    this.name = "InvalidEnvironment";
  }
}

/** @throws {InvalidEnvironment} */
export const apiConfig = (environment: Environment): RefreshConfig =>
  faultless(environment, refreshMembers);

/** @throws {InvalidEnvironment} */
export const workerConfig = (environment: Environment): WorkerConfig =>
  faultless(environment, (read) => ({
    ...refreshMembers(read),
    concurrency: read.integer("WORKER_CONCURRENCY", { byDefault: 10, minimum: 1, maximum: 100 }),
  }));

/** @throws {InvalidEnvironment} */
export const sweepConfig = (environment: Environment): SweepConfig =>
  faultless(environment, (read) => ({
    connectionsTable: read.required("CONNECTIONS_TABLE"),
    coordinationTable: read.required("COORDINATION_TABLE"),
    refreshQueueUrl: read.url("REFRESH_QUEUE_URL"),
    logLevel: read.logLevel("LOG_LEVEL"),
  }));

function faultless<Config>(environment: Environment, members: (read: Reader) => Config): Config {
  const read = reader(environment);
  const config = members(read);
  read.throwIfFaulty();
  return config;
}

function refreshMembers(read: Reader): RefreshConfig {
  return {
    connectionsTable: read.required("CONNECTIONS_TABLE"),
    coordinationTable: read.required("COORDINATION_TABLE"),
    secretPrefix: read.secretPrefix("SECRET_PREFIX"),
    kmsKeyId: read.required("KMS_KEY_ID"),
    providerTimeoutSeconds: read.seconds("PROVIDER_TIMEOUT_SECONDS", {
      byDefault: defaultProviderTimeoutSeconds,
      minimum: 1,
      maximum: maximumProviderTimeoutSeconds,
    }),
    coalesceWindowMs:
      1000 * read.seconds("COALESCE_WINDOW_SECONDS", { byDefault: 10, minimum: 0, maximum: 300 }),
    clientCacheMs:
      1000 * read.seconds("CLIENT_CACHE_SECONDS", { byDefault: 300, minimum: 0, maximum: 86_400 }),
    rescueQueueUrl: read.optionalUrl("RESCUE_QUEUE_URL"),
    allowLoopback: read.flag("ALLOW_LOOPBACK_PROVIDERS"),
    sweepIntervalMs:
      1000 *
      read.seconds("SWEEP_INTERVAL_SECONDS", {
        byDefault: defaultSweepIntervalSeconds,
        minimum: 1,
        maximum: 3_600,
      }),
    giveUpAfterMs:
      1000 *
      read.seconds("GIVE_UP_AFTER_SECONDS", {
        byDefault: defaultGiveUpAfterSeconds,
        minimum: 3_600,
        maximum: 31_622_400,
      }),
    logLevel: read.logLevel("LOG_LEVEL"),
  };
}

/** @throws {InvalidEnvironment} */
export function authorizerConfig(environment: Environment): AuthorizerConfig {
  const read = reader(environment);
  const allowLoopback = read.flag("ALLOW_LOOPBACK_PROVIDERS");
  const config = {
    apiKeysTable: read.required("API_KEYS_TABLE"),
    jwt: jwtConfig(read, environment, allowLoopback),
    logLevel: read.logLevel("LOG_LEVEL"),
  };
  read.throwIfFaulty();
  return config;
}

/** @throws {InvalidEnvironment} */
export const rescueConfig = (environment: Environment): RescueConfig =>
  faultless(environment, (read) => ({
    connectionsTable: read.required("CONNECTIONS_TABLE"),
    logLevel: read.logLevel("LOG_LEVEL"),
  }));

function jwtConfig(
  read: Reader,
  environment: Environment,
  allowLoopback: boolean,
): JwtConfig | undefined {
  const algorithms = read.algorithms("JWT_ALGORITHMS");
  const names = ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URI"];
  if (names.every((name) => !environment[name])) return undefined;
  return {
    issuer: read.required("JWT_ISSUER"),
    audience: read.required("JWT_AUDIENCE"),
    jwksUri: read.keySetAddress("JWT_JWKS_URI", allowLoopback),
    algorithms,
  };
}

type Reader = ReturnType<typeof reader>;

/**
 * Reads what it can and remembers what it could not: the values in place of those are never returned,
 * for `throwIfFaulty` comes first. An empty value is an absent one.
 */
function reader(environment: Environment) {
  const faults: string[] = [];
  const fault = (name: string, expected: string): void => {
    faults.push(environment[name] ? `${name}: ${expected}` : `${name} is missing`);
  };
  const required = (name: string): string => {
    const value = environment[name];
    if (!value) fault(name, "expected a value");
    return value ?? "";
  };
  return {
    required,

    secretPrefix(name: string): string {
      const value = required(name);
      // Secrets Manager's characters for a name, without a slash at either end.
      if (value && !/^[\w+=.@-]+(?:\/[\w+=.@-]+)*$/.test(value)) {
        fault(name, "expected the first part of secrets' names, without a slash at its end");
      }
      return value;
    },

    seconds(
      name: string,
      { byDefault, minimum, maximum }: { byDefault: number; minimum: number; maximum: number },
    ): number {
      const text = environment[name];
      if (!text) return byDefault;
      const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= minimum && value <= maximum)) {
        fault(name, `expected seconds, ${minimum} to ${maximum}`);
      }
      return value;
    },

    integer(
      name: string,
      { byDefault, minimum, maximum }: { byDefault: number; minimum: number; maximum: number },
    ): number {
      const text = environment[name];
      if (!text) return byDefault;
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= minimum && value <= maximum)) {
        fault(name, `expected a whole number, ${minimum} to ${maximum}`);
      }
      return value;
    },

    url(name: string): string {
      const value = required(name);
      if (value && !/^https?:$/.test(URL.parse(value)?.protocol ?? "")) {
        fault(name, "expected an http or https address");
      }
      return value;
    },

    optionalUrl(name: string): string | undefined {
      return environment[name] ? this.url(name) : undefined;
    },

    flag(name: string): boolean {
      const text = environment[name] || "false";
      if (text !== "true" && text !== "false") fault(name, "expected true or false");
      return text === "true";
    },

    logLevel(name: string): LogLevel {
      const text = (environment[name] || "INFO").toUpperCase();
      const level = logLevels.find((known) => known === text);
      if (level === undefined) fault(name, `expected one of ${logLevels.join(", ")}`);
      return level ?? "INFO";
    },

    algorithms(name: string): readonly string[] {
      const algorithms = (environment[name] || defaultJwtAlgorithms)
        .split(",")
        .map((algorithm) => algorithm.trim());
      if (!algorithms.every((algorithm) => jwtAlgorithms.includes(algorithm))) {
        fault(name, `expected some of ${jwtAlgorithms.join(", ")}, separated by commas`);
      }
      return algorithms;
    },

    keySetAddress(name: string, allowLoopback: boolean): URL {
      const url = URL.parse(required(name));
      const secure = url?.protocol === "https:";
      const local = allowLoopback && url?.protocol === "http:" && isLoopback(url.hostname);
      if (environment[name] && !secure && !local) fault(name, "expected an https address");
      return url ?? new URL("about:blank");
    },

    throwIfFaulty(): void {
      if (faults.length > 0) throw new InvalidEnvironment(faults);
    },
  };
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
