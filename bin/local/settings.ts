import { resolve } from "node:path";
import type { Environment } from "../../functions/runtime/environment.ts";

export interface LocalSettings {
  /** `PORT`, 0: any free port. @default 3000 */
  readonly port: number;
  /** `DATA_DIR`; undefined: everything ends with the process. */
  readonly dataDirectory: string | undefined;
  /** `SCHEDULE`, on or off: whether what is due is refreshed without being asked for. @default on */
  readonly schedule: boolean;
  /** `LOCAL_ENV_FILE` @default ".local/env" */
  readonly envFile: string;
  /** `AWS_REGION`, `AWS_DEFAULT_REGION` @default "us-east-1" */
  readonly region: string;
  /** What is there already, and is used in place of a stand-in. */
  readonly endpoints: Readonly<Record<EndpointName, string | undefined>>;
  /** The person's own credentials are for the given endpoints; stand-ins take any. */
  readonly keepsCredentials: boolean;
  /** `CONNECTIONS_TABLE` @default "connections" */
  readonly connectionsTable: string;
  /** `API_KEYS_TABLE` @default "api_keys" */
  readonly apiKeysTable: string;
  /** `COORDINATION_TABLE` @default "coordination" */
  readonly coordinationTable: string;
  /** `SECRET_PREFIX` @default "local" */
  readonly secretPrefix: string;
  /** `KMS_KEY_ID`: of the given KMS; the stand-in has its own. */
  readonly kmsKeyId: string | undefined;
  /** `REFRESH_QUEUE_URL`: of the given SQS; the stand-in has its own. */
  readonly refreshQueueUrl: string | undefined;
  /** `RESCUE_QUEUE_URL`: of the given SQS; the stand-in has its own. */
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
 * Names the stand-ins that wrote an env file. A shell that has sourced it still holds their
 * addresses when the service is started anew: those are not taken for given ones.
 */
export const standInsName = "LOCAL_STAND_INS";

/** The service cannot start; the message is one line for the person who started it. */
export class CannotStart extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = "CannotStart";
  }
}

/** @throws {CannotStart} naming everything at fault */
export function localSettings(environment: Environment): LocalSettings {
  const endpoints = givenEndpoints(environment);
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
    secretPrefix: environment.SECRET_PREFIX || "local",
    kmsKeyId,
    refreshQueueUrl: environment.REFRESH_QUEUE_URL || undefined,
    rescueQueueUrl: environment.RESCUE_QUEUE_URL || undefined,
  };
}

function givenEndpoints(environment: Environment): LocalSettings["endpoints"] {
  const former = new Set((environment[standInsName] ?? "").split(" "));
  const given = (name: EndpointName): string | undefined => {
    const endpoint = environment[name] || undefined;
    return endpoint !== undefined && former.has(endpoint) ? undefined : endpoint;
  };
  return {
    AWS_ENDPOINT_URL_DYNAMODB: given("AWS_ENDPOINT_URL_DYNAMODB"),
    AWS_ENDPOINT_URL_KMS: given("AWS_ENDPOINT_URL_KMS"),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: given("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    AWS_ENDPOINT_URL_SQS: given("AWS_ENDPOINT_URL_SQS"),
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
