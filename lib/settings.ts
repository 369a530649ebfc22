import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { refreshShards } from "../functions/domain/schedule/due.ts";
import {
  defaultJwtAlgorithms,
  defaultLogLevel,
  defaultTokenFormat,
  defaultTokenKeySource,
  limits,
  secretPrefixPattern,
  tokenFormats,
  tokenKeySources,
} from "../functions/runtime/accepted-values.ts";
import { logLevels } from "../functions/telemetry/log.ts";
import { flag, integer, oneOf, type Setting, text } from "./setting-kinds.ts";

/** The beginning of every setting's name: `npx cdk deploy --all -c refresh:stage=staging`. */
export const settingPrefix = "refresh:";

const day = 24 * 60 * 60;

/** Every setting of a deployment, from the CDK's context: `-c`, or `context` in cdk.json. */
export const settings = {
  stage: text("Part of the stacks' names and of the secrets' prefix; the API's stage.", {
    default: "main",
    pattern: /^[a-z][a-z0-9-]{0,19}$/,
    expected: "a lower-case letter, then up to 19 lower-case letters, digits and hyphens",
  }),
  throwAway: flag("`true` deletes tables, keys and logs with their stack. For trials.", {
    default: false,
  }),
  secretPrefix: text("The first part of the names of all client registrations' secrets.", {
    variable: "SECRET_PREFIX",
    default: undefined,
    defaultText: "`oauth-token-refresh/<stage>`",
    pattern: secretPrefixPattern,
    expected: "a name in Secrets Manager, without a slash at either end",
  }),

  providerTimeoutSeconds: integer(
    "The time that one token request may take. The lease (+5 s) and the function timeout (+10 s) follow from it.",
    { ...limits.PROVIDER_TIMEOUT_SECONDS, unit: "s", variable: "PROVIDER_TIMEOUT_SECONDS" },
  ),
  coalesceWindowSeconds: integer(
    "A refresh that is younger than this also serves further callers.",
    { ...limits.COALESCE_WINDOW_SECONDS, unit: "s", variable: "COALESCE_WINDOW_SECONDS" },
  ),
  clientCacheSeconds: integer("The age up to which a cached client registration is used.", {
    ...{ ...limits.CLIENT_CACHE_SECONDS, unit: "s", variable: "CLIENT_CACHE_SECONDS" },
  }),
  authorizerCacheSeconds: integer(
    "API Gateway accepts a credential for this long without checking it again, even if the key is revoked meanwhile.",
    { default: 60, minimum: 0, maximum: 3_600, unit: "s" },
  ),

  tokenFormat: oneOf(
    "The format in which token sets are stored. Both formats are read. `2` is smaller and needs fewer requests to KMS. Earlier releases cannot read it.",
    { default: defaultTokenFormat, values: tokenFormats, variable: "TOKEN_FORMAT" },
  ),
  tokenKeySource: oneOf(
    "The source of the keys for format 2. `branch` derives them from a few keys of the deployment. `connection` uses a data key of each connection, so that CloudTrail shows which connection is decrypted; each refresh then costs one KMS request.",
    { default: defaultTokenKeySource, values: tokenKeySources, variable: "TOKEN_KEY_SOURCE" },
  ),
  branchKeys: integer(
    "The number of branch keys in use at a time. Each workspace belongs to one of them.",
    { ...limits.BRANCH_KEYS, unit: "keys", variable: "BRANCH_KEYS" },
  ),
  formerTokenKeyArns: text(
    "KMS keys that encrypted token sets before the current token key. They decrypt these token sets, and encrypt no new ones.",
    {
      variable: "FORMER_KMS_KEY_IDS",
      default: undefined,
      pattern:
        /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+(?:,arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)*$/,
      expected: "ARNs of KMS keys, separated by commas",
    },
  ),

  requireBoundTokens: flag(
    "`true` sends no token set that was sealed before token sets were bound to the client and the endpoint that issued them. For when all have been refreshed since.",
    { default: false, variable: "REQUIRE_BOUND_TOKENS" },
  ),

  schedule: flag(
    "`true` refreshes connections as they come due. `false` starts no sweep; messages that are already on the queues are still processed.",
    { default: true },
  ),
  // Scheduler's rates are whole minutes.
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based
  sweepIntervalMinutes: integer(
    "The time from one sweep to the next. Short-lived access tokens need a short interval.",
    { default: 1, minimum: 1, maximum: 30, unit: "min", variable: "SWEEP_INTERVAL_SECONDS" },
  ),
  sweepers: integer("The number of sweeps that share the work of each interval.", {
    ...{ default: 1, minimum: 1, maximum: refreshShards, unit: "sweeps" },
  }),
  // A batch of up to ten does not wait to be filled.
  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  workerConcurrency: integer("The number of messages that one worker processes at a time.", {
    ...limits.WORKER_CONCURRENCY,
    ...{ maximum: 10, unit: "messages", variable: "WORKER_CONCURRENCY" },
  }),
  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
  workerMaximumConcurrency: integer("The number of workers that run at a time.", {
    ...{ default: 50, minimum: 2, maximum: 1_000, unit: "workers" },
  }),
  giveUpAfterDays: integer(
    "After this long past its access token's expiry, with nothing but transient failures, a connection's status becomes `error`.",
    {
      default: limits.GIVE_UP_AFTER_SECONDS.default / day,
      minimum: 1,
      maximum: limits.GIVE_UP_AFTER_SECONDS.maximum / day,
      unit: "days",
      variable: "GIVE_UP_AFTER_SECONDS",
    },
  ),

  jwtIssuer: text("The issuer of accepted JWTs. Set it with `jwtAudience` and `jwtJwksUri`.", {
    variable: "JWT_ISSUER",
    default: undefined,
    defaultText: "none: API keys alone are accepted",
    pattern: /^\S+$/,
    expected: "a text without spaces",
  }),
  jwtAudience: text("The audience that a JWT has to name.", {
    variable: "JWT_AUDIENCE",
    default: undefined,
    pattern: /^\S+$/,
    expected: "a text without spaces",
  }),
  jwtJwksUri: text("The address of the issuer's key set.", {
    variable: "JWT_JWKS_URI",
    default: undefined,
    pattern: /^https:\/\/\S+$/,
    expected: "an https address",
  }),
  jwtAlgorithms: text("The signature algorithms that a JWT may use.", {
    variable: "JWT_ALGORITHMS",
    default: undefined,
    defaultText: `\`${defaultJwtAlgorithms.join(",")}\``,
    pattern: /^\w+(?:,\w+)*$/,
    expected: "names of algorithms, separated by commas",
  }),

  throttleRate: integer("The requests that the API takes each second in the long run.", {
    ...{ default: 100, minimum: 1, maximum: 10_000, unit: "requests/s" },
  }),
  throttleBurst: integer("The requests that the API takes at once.", {
    ...{ default: 200, minimum: 1, maximum: 5_000, unit: "requests" },
  }),
  callerRate: integer(
    "The requests that the API takes from one caller each second in the long run. API Gateway keeps to it approximately, and callers share 64 buckets. 0: no limit of a caller.",
    { default: 50, minimum: 0, maximum: 10_000, unit: "requests/s" },
  ),
  callerBurst: integer("The requests that the API takes from one caller at once.", {
    ...{ default: 100, minimum: 1, maximum: 5_000, unit: "requests" },
  }),
  // https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-high-level-settings.html
  webAclRequests: integer(
    "A web ACL blocks an address, or an Authorization header, that sends more than this in five minutes.",
    {
      ...{ default: undefined, defaultText: "none: no web ACL" },
      ...{ minimum: 10, maximum: 10_000_000, unit: "requests" },
    },
  ),
  memoryMib: integer("The memory of each function, and with it its share of a CPU.", {
    ...{ default: 1_024, minimum: 128, maximum: 10_240, unit: "MiB" },
  }),
  // A new account has ten in all and can reserve none.
  reservedConcurrency: integer(
    "The invocations of the API function that are reserved for it, which are also its limit.",
    { default: undefined, minimum: 1, maximum: 1_000, unit: "invocations" },
  ),

  logLevel: oneOf("The least severe level that is logged.", {
    ...{ default: defaultLogLevel, values: logLevels, variable: "LOG_LEVEL" },
  }),
  logRetentionDays: oneOf(
    "The days that logs are kept. A token set that only the log holds has to be rescued within them.",
    {
      default: RetentionDays.ONE_MONTH,
      values: Object.values(RetentionDays).filter((days) => typeof days === "number"),
    },
  ),
  gatewayLogRole: flag(
    "`true` sets the role with which API Gateway writes logs, one for the whole account and region.",
    { default: true },
  ),
  alarmTopicArn: text("The SNS topic that alarms notify.", {
    default: undefined,
    defaultText: "none: alarms are seen in CloudWatch alone",
    pattern: /^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$/,
    expected: "the ARN of an SNS topic",
  }),
} satisfies Record<string, Setting<unknown>>;

type SettingName = keyof typeof settings;
export type JwtName = Extract<SettingName, `jwt${string}`>;

/** The values as they are stated, each by itself. */
export type SettingValues = {
  readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer Value>
    ? Value
    : never;
};

export interface Settings extends Omit<SettingValues, "secretPrefix" | JwtName> {
  readonly secretPrefix: string;
  /** Undefined: API keys alone are accepted. */
  readonly jwt: JwtSettings | undefined;
}

export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  /** Comma-separated. @default the authorizer's own */
  readonly algorithms: string | undefined;
}
