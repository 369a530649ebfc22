import { RetentionDays } from "aws-cdk-lib/aws-logs";
import {
  defaultProviderTimeoutSeconds,
  maximumProviderTimeoutSeconds,
} from "../functions/domain/model/budget.ts";
import { refreshShards } from "../functions/domain/schedule/due.ts";
import { type LogLevel, logLevels } from "../functions/telemetry/log.ts";

/** What the names of all settings begin with: `npx cdk deploy --all -c refresh:stage=staging`. */
const settingPrefix = "refresh:";

/** A deployment's settings, from the CDK's context: `-c`, or `context` in cdk.json. */
export interface Settings {
  /** Part of every stack's name, the API's stage and the secrets' prefix. @default "main" */
  readonly stage: string;
  /** Tables, keys and logs are deleted with their stack, and nothing prevents it. @default false */
  readonly throwAway: boolean;
  /** What the names of all client registrations' secrets begin with. @default "oauth-token-refresh/<stage>" */
  readonly secretPrefix: string;

  /** One grant, 1 to 18 s; lease and function timeout follow from it. @default 15 */
  readonly providerTimeoutSeconds: number;
  /** A refresh this recent answers further callers too, 0 to 300 s. @default 10 */
  readonly coalesceWindowSeconds: number;
  /** How old a cached client registration may be, 0 to 86400 s. @default 300 */
  readonly clientCacheSeconds: number;
  /** How long a credential that was accepted is not checked again, 0 to 3600 s. @default 60 */
  readonly authorizerCacheSeconds: number;

  /**
   * Whether what is due is refreshed by itself. `false`: no sweep is begun; the queues stay, and what is
   * in them is worked on. @default true
   */
  readonly schedule: boolean;
  /** From one sweep to the next, 1 to 30 min. @default 1 */
  readonly sweepIntervalMinutes: number;
  /** Sweeps that share the work, 1 to 64. @default 1 */
  readonly sweepers: number;
  /** Messages that one worker takes, and works on, at a time, 1 to 10. @default 10 */
  readonly workerConcurrency: number;
  /** Workers at a time, 2 to 1000. @default 50 */
  readonly workerMaximumConcurrency: number;
  /**
   * How long a token may have been expired, with nothing but transient failures, before its connection's
   * status is `error`, 1 to 366 days. @default 7
   */
  readonly giveUpAfterDays: number;

  /** All of them or none; without them API keys alone are accepted. @default none */
  readonly jwt: JwtSettings | undefined;

  /** Requests a second that the stage takes in the long run. @default 100 */
  readonly throttleRate: number;
  /** Requests that it takes at once. @default 200 */
  readonly throttleBurst: number;
  /** Memory of each function in MiB, and with it its share of a CPU. @default 1024 */
  readonly memoryMib: number;
  /**
   * Invocations of the API function that may run at a time, kept free for it. @default no limit:
   * a new account has 10 in all, of which none can be reserved
   */
  readonly reservedConcurrency: number | undefined;

  /** @default "INFO" */
  readonly logLevel: LogLevel;
  /** Token sets of last resort live in the log: rescue them within this time. @default 30 */
  readonly logRetentionDays: RetentionDays;
  /**
   * Whether the stack sets the role with which API Gateway writes logs: one for the whole account and
   * region. @default true
   */
  readonly gatewayLogRole: boolean;
  /** SNS topic that the alarms notify. @default none: they are seen in CloudWatch alone */
  readonly alarmTopicArn: string | undefined;
}

interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  /** Comma-separated. @default the authorizer's own */
  readonly algorithms: string | undefined;
}

/** Every setting at fault, by its name in the context. */
export class InvalidSettings extends Error {
  constructor(faults: readonly string[]) {
    super(`invalid settings: ${faults.join("; ")}`);
    this.name = "InvalidSettings";
  }
}

/**
 * @param context the CDK's, whose other members are left alone; `-c` gives texts, cdk.json any type
 * @throws {InvalidSettings} also for a name with our prefix that is none of ours
 */
export function readSettings(context: Readonly<Record<string, unknown>>): Settings {
  const read = reader(context);
  const stage = read.text("stage", /^[a-z][a-z0-9-]{0,19}$/) ?? "main";
  const settings: Settings = {
    stage,
    throwAway: read.flag("throwAway", false),
    secretPrefix:
      read.text("secretPrefix", /^[\w+=.@-]+(?:\/[\w+=.@-]+)*$/) ?? `oauth-token-refresh/${stage}`,
    providerTimeoutSeconds:
      read.integer("providerTimeoutSeconds", 1, maximumProviderTimeoutSeconds) ??
      defaultProviderTimeoutSeconds,
    coalesceWindowSeconds: read.integer("coalesceWindowSeconds", 0, 300) ?? 10,
    clientCacheSeconds: read.integer("clientCacheSeconds", 0, 86_400) ?? 300,
    authorizerCacheSeconds: read.integer("authorizerCacheSeconds", 0, 3_600) ?? 60,
    ...scheduleSettings(read),
    jwt: jwtSettings(read),
    throttleRate: read.integer("throttleRate", 1, 10_000) ?? 100,
    throttleBurst: read.integer("throttleBurst", 1, 5_000) ?? 200,
    memoryMib: read.integer("memoryMib", 128, 10_240) ?? 1_024,
    reservedConcurrency: read.integer("reservedConcurrency", 1, 1_000),
    logLevel: read.oneOf("logLevel", logLevels) ?? "INFO",
    logRetentionDays: read.oneOf("logRetentionDays", retentions) ?? RetentionDays.ONE_MONTH,
    gatewayLogRole: read.flag("gatewayLogRole", true),
    alarmTopicArn: read.text("alarmTopicArn", /^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$/),
  };
  read.throwIfFaulty();
  return settings;
}

type ScheduleSettings = Pick<
  Settings,
  | "schedule"
  | "sweepIntervalMinutes"
  | "sweepers"
  | "workerConcurrency"
  | "workerMaximumConcurrency"
  | "giveUpAfterDays"
>;

const scheduleSettings = (read: Reader): ScheduleSettings => ({
  schedule: read.flag("schedule", true),
  // Scheduler's rates are whole minutes.
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based
  sweepIntervalMinutes: read.integer("sweepIntervalMinutes", 1, 30) ?? 1,
  sweepers: read.integer("sweepers", 1, refreshShards) ?? 1,
  // What a batch from a standard queue may hold without waiting for it to fill:
  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  workerConcurrency: read.integer("workerConcurrency", 1, 10) ?? 10,
  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
  workerMaximumConcurrency: read.integer("workerMaximumConcurrency", 2, 1_000) ?? 50,
  giveUpAfterDays: read.integer("giveUpAfterDays", 1, 366) ?? 7,
});

function jwtSettings(read: Reader): JwtSettings | undefined {
  const issuer = read.text("jwtIssuer", /^\S+$/);
  const audience = read.text("jwtAudience", /^\S+$/);
  const jwksUri = read.text("jwtJwksUri", /^https:\/\/\S+$/);
  const algorithms = read.text("jwtAlgorithms", /^\w+(?:,\w+)*$/);
  if (issuer !== undefined && audience !== undefined && jwksUri !== undefined) {
    return { issuer, audience, jwksUri, algorithms };
  }
  if ([issuer, audience, jwksUri, algorithms].some((value) => value !== undefined)) {
    read.fault("jwtIssuer", "goes with jwtAudience and jwtJwksUri: all of them or none");
  }
  return undefined;
}

const retentions = Object.values(RetentionDays).filter((days) => typeof days === "number");

type Reader = ReturnType<typeof reader>;

/**
 * Reads what it can and remembers what it could not: `throwIfFaulty` comes before any value is used.
 * A setting that is absent, or empty, is undefined.
 */
function reader(context: Readonly<Record<string, unknown>>) {
  const faults: string[] = [];
  const known = new Set<string>();
  const fault = (name: string, expected: string): undefined => {
    faults.push(`${settingPrefix}${name}: ${expected}`);
  };
  const find = (name: string): unknown => {
    known.add(settingPrefix + name);
    const value = context[settingPrefix + name];
    return value === "" || value === null ? undefined : value;
  };
  return {
    fault,

    text(name: string, pattern: RegExp): string | undefined {
      const value = find(name);
      if (value === undefined) return undefined;
      return typeof value === "string" && pattern.test(value)
        ? value
        : fault(name, `expected a text like ${pattern.source}`);
    },

    integer(name: string, minimum: number, maximum: number): number | undefined {
      const value = find(name);
      if (value === undefined) return undefined;
      const number = typeof value === "string" ? Number(value) : value;
      return typeof number === "number" &&
        Number.isInteger(number) &&
        number >= minimum &&
        number <= maximum
        ? number
        : fault(name, `expected a whole number, ${minimum} to ${maximum}`);
    },

    flag(name: string, byDefault: boolean): boolean {
      const value = find(name) ?? byDefault;
      if (!["true", "false"].includes(String(value))) fault(name, "expected true or false");
      return String(value) === "true";
    },

    oneOf<T extends string | number>(name: string, values: readonly T[]): T | undefined {
      const value = find(name);
      if (value === undefined) return undefined;
      const found = values.find((one) => String(one) === String(value));
      return found ?? fault(name, `expected one of ${values.join(", ")}`);
    },

    throwIfFaulty(): void {
      const unknown = Object.keys(context)
        .filter((name) => name.startsWith(settingPrefix) && !known.has(name))
        .map((name) => `${name} is not a setting; there are ${[...known].join(", ")}`);
      if (faults.length + unknown.length > 0) throw new InvalidSettings([...faults, ...unknown]);
    },
  };
}
