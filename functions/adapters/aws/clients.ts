import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { StoreUnavailable } from "../../domain/model/errors.ts";

/** The timeouts of each attempt at a request, in milliseconds, and the number of attempts. */
const limits = (
  requestTimeout: number,
  { maxAttempts = 3, connectionTimeout = 1_000 }: Partial<AttemptLimits> = {},
) => ({
  maxAttempts,
  requestHandler: { connectionTimeout, requestTimeout, throwOnRequestTimeout: true },
  // The middleware of each command is composed once, since none is added to a client in use.
  cacheMiddleware: true,
});

interface AttemptLimits {
  readonly maxAttempts: number;
  readonly connectionTimeout: number;
}

/** Endpoint, region and credentials come from the environment, `AWS_ENDPOINT_URL_*` included. */
export const dynamoDbClient = (): DynamoDBClient => new DynamoDBClient(limits(2_000));
/** Two requests, with their retries, end within the rescue function's five seconds. */
export const promptDynamoDbClient = (): DynamoDBClient =>
  new DynamoDBClient(limits(1_000, { maxAttempts: 2, connectionTimeout: 500 }));
/** As prompt, for a request to KMS beside them. */
export const promptKmsClient = (): KMSClient =>
  new KMSClient(limits(1_000, { maxAttempts: 2, connectionTimeout: 500 }));
export const kmsClient = (): KMSClient => new KMSClient(limits(3_000));
export const secretsManagerClient = (): SecretsManagerClient =>
  new SecretsManagerClient(limits(3_000));

/**
 * The SDK's module is loaded on the first call, so that a function that seldom sends does not evaluate it in its cold
 * start. The endpoint comes from the environment, like those of the other clients, and not from a queue's URL.
 */
export const sqsClient = (): Promise<SQSClient> => loadSqsClient(limits(3_000));
/** For a message that has to be sent before an invocation ends: two attempts within 700 ms. */
export const urgentSqsClient = (): Promise<SQSClient> =>
  loadSqsClient(limits(300, { maxAttempts: 2, connectionTimeout: 300 }));

async function loadSqsClient(settings: ReturnType<typeof limits>): Promise<SQSClient> {
  const { SQSClient } = await import("@aws-sdk/client-sqs");
  return new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
}

/** The names and codes of errors that another attempt may not meet. */
const transient =
  /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|LimitExceeded|InternalServer|InternalFailure|InternalError|InternalService|ServiceUnavailable|KMSInternal|DependencyTimeout|TimeoutError|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/;

/** Runs a request to AWS. A transient error that outlasts the SDK's own retries becomes a StoreUnavailable. */
export async function asStoreUnavailable<T>(store: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw isTransient(error) ? new StoreUnavailable(store, error) : error;
  }
}

function isTransient(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { name, code, $metadata } = error as Partial<SdkError>;
  return (
    transient.test(name ?? "") ||
    transient.test(code ?? "") ||
    ($metadata?.httpStatusCode ?? 0) >= 500
  );
}

/** An error that the SDK throws: the service's, or one of Node.js with a `code`. */
interface SdkError {
  readonly name: string;
  readonly code: string;
  readonly $metadata: { readonly httpStatusCode?: number };
}
