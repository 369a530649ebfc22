import { resolve } from "node:path";
import type { Environment } from "../../functions/runtime/environment.ts";

export interface LocalSettings {
  /** `PORT`, or 0 for any free port. @default 3000 */
  readonly port: number;
  /** `DATA_DIR` @default in memory */
  readonly dataDirectory: string | undefined;
  /** `SCHEDULE`, `on` or `off`: true refreshes connections as they come due. @default true */
  readonly schedule: boolean;
  /** `LOCAL_ENV_FILE` @default ".local/env" */
  readonly envFile: string;
  /** `AWS_REGION`, `AWS_DEFAULT_REGION` @default "us-east-1" */
  readonly region: string;
  /** Existing endpoints, which replace stand-ins. */
  readonly endpoints: Readonly<Record<EndpointName, string | undefined>>;
  /** True: the person's own credentials are used, since the existing endpoints may check them. */
  readonly keepsCredentials: boolean;
  /** `CONNECTIONS_TABLE` @default "connections" */
  readonly connectionsTable: string;
  /** `API_KEYS_TABLE` @default "api_keys" */
  readonly apiKeysTable: string;
  /** `COORDINATION_TABLE` @default "coordination" */
  readonly coordinationTable: string;
  /** `BRANCH_KEYS_TABLE` @default "branch_keys" */
  readonly branchKeysTable: string;
  /** `STAGE` @default "local" */
  readonly stage: string;
  /** `SECRET_PREFIX` @default "local" */
  readonly secretPrefix: string;
  /** `KMS_KEY_ID`, of an existing KMS. The stand-in has its own key. */
  readonly kmsKeyId: string | undefined;
  /** `REFRESH_QUEUE_URL`, of an existing SQS. The stand-in has its own queue. */
  readonly refreshQueueUrl: string | undefined;
  /** `RESCUE_QUEUE_URL`, of an existing SQS. The stand-in has its own queue. */
  readonly rescueQueueUrl: string | undefined;
}

export const endpointNames = [
  "AWS_ENDPOINT_URL_DYNAMODB",
  "AWS_ENDPOINT_URL_KMS",
  "AWS_ENDPOINT_URL_SECRETS_MANAGER",
  "AWS_ENDPOINT_URL_SQS",
] as const;
export type EndpointName = (typeof endpointNames)[number];

/**
 * The variable in an env file that lists the addresses of its stand-ins. A shell that has sourced the file still has
 * these addresses at the next start, and they do not count as existing endpoints.
 */
export const standInsName = "LOCAL_STAND_INS";

/** The service cannot start. The message is one line for the person who started it. */
export class CannotStart extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = "CannotStart";
  }
}

/** @throws {CannotStart} with all faults */
export function localSettings(environment: Environment): LocalSettings {
  const endpoints = existingEndpoints(environment);
  const faults = [
    ...portFaults(environment.PORT),
    ...scheduleFaults(environment.SCHEDULE),
    ...endpointNames.flatMap((name) => endpointFaults(name, endpoints[name])),
  ];
  const kmsKeyId = environment.KMS_KEY_ID || undefined;
  if (endpoints.AWS_ENDPOINT_URL_KMS !== undefined && kmsKeyId === undefined) {
    faults.push("KMS_KEY_ID is missing: AWS_ENDPOINT_URL_KMS needs it");
  }
  if (endpoints.AWS_ENDPOINT_URL_SQS !== undefined) {
    faults.push(...queueNames.flatMap((name) => queueFaults(name, environment[name])));
  }
  if (faults.length > 0) throw new CannotStart(faults.join("; "));
  const dataDirectory = environment.DATA_DIR || undefined;
  return {
    port: Number(environment.PORT || 3000),
    dataDirectory: dataDirectory === undefined ? undefined : resolve(dataDirectory),
    schedule: environment.SCHEDULE !== "off",
    envFile: environment.LOCAL_ENV_FILE || ".local/env",
    region: environment.AWS_REGION || environment.AWS_DEFAULT_REGION || "us-east-1",
    endpoints,
    keepsCredentials:
      endpointNames.some((name) => endpoints[name] !== undefined) && hasCredentials(environment),
    connectionsTable: environment.CONNECTIONS_TABLE || "connections",
    apiKeysTable: environment.API_KEYS_TABLE || "api_keys",
    coordinationTable: environment.COORDINATION_TABLE || "coordination",
    branchKeysTable: environment.BRANCH_KEYS_TABLE || "branch_keys",
    stage: environment.STAGE || "local",
    secretPrefix: environment.SECRET_PREFIX || "local",
    kmsKeyId,
    refreshQueueUrl: environment.REFRESH_QUEUE_URL || undefined,
    rescueQueueUrl: environment.RESCUE_QUEUE_URL || undefined,
  };
}

function existingEndpoints(environment: Environment): LocalSettings["endpoints"] {
  const standIns = new Set((environment[standInsName] ?? "").split(" "));
  const existing = (name: EndpointName): string | undefined => {
    const endpoint = environment[name] || undefined;
    return endpoint !== undefined && standIns.has(endpoint) ? undefined : endpoint;
  };
  return {
    AWS_ENDPOINT_URL_DYNAMODB: existing("AWS_ENDPOINT_URL_DYNAMODB"),
    AWS_ENDPOINT_URL_KMS: existing("AWS_ENDPOINT_URL_KMS"),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: existing("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    AWS_ENDPOINT_URL_SQS: existing("AWS_ENDPOINT_URL_SQS"),
  };
}

const portFaults = (port: string | undefined): string[] =>
  !port || (/^\d{1,5}$/.test(port) && Number(port) <= 65_535)
    ? []
    : ["PORT: expected 0 (any free port) to 65535"];

const scheduleFaults = (schedule: string | undefined): string[] =>
  !schedule || ["on", "off"].includes(schedule) ? [] : ["SCHEDULE: expected on or off"];

const endpointFaults = (name: string, endpoint: string | undefined): string[] =>
  endpoint === undefined || /^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")
    ? []
    : [`${name}: expected an http or https address`];

const queueNames = ["REFRESH_QUEUE_URL", "RESCUE_QUEUE_URL"] as const;

const queueFaults = (name: string, url: string | undefined): string[] =>
  url ? endpointFaults(name, url) : [`${name} is missing: AWS_ENDPOINT_URL_SQS needs it`];

const hasCredentials = (environment: Environment): boolean =>
  Boolean(
    environment.AWS_PROFILE || (environment.AWS_ACCESS_KEY_ID && environment.AWS_SECRET_ACCESS_KEY),
  );
