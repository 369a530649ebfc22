import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { StoreUnavailable } from "../../domain/model/errors.ts";

/** What a request may take, of each of so many attempts. */
const patience = (
  requestTimeout: number,
  { maxAttempts = 3, connectionTimeout = 1_000 }: Partial<Impatience> = {},
) => ({
  maxAttempts,
  requestHandler: { connectionTimeout, requestTimeout, throwOnRequestTimeout: true },
  // No middleware is added once a client is in use: each command's are put together once.
  cacheMiddleware: true,
});

interface Impatience {
  readonly maxAttempts: number;
  readonly connectionTimeout: number;
}

/** Endpoint, region and credentials come from the environment, `AWS_ENDPOINT_URL_*` included. */
export const dynamoDbClient = (): DynamoDBClient => new DynamoDBClient(patience(2_000));
/** Two requests, with their retries, end within the rescue function's five seconds. */
export const promptDynamoDbClient = (): DynamoDBClient =>
  new DynamoDBClient(patience(1_000, { maxAttempts: 2, connectionTimeout: 500 }));
export const kmsClient = (): KMSClient => new KMSClient(patience(3_000));
export const secretsManagerClient = (): SecretsManagerClient =>
  new SecretsManagerClient(patience(3_000));

/**
 * Loaded when it is asked for: a function that seldom sends does not evaluate it at its start. The
 * endpoint is the environment's, as of the others, and not what a queue's URL says.
 */
export const sqsClient = (): Promise<SQSClient> => loadSqsClient(patience(3_000));
/** For what has to be sent before an invocation ends: two attempts within 700 ms. */
export const urgentSqsClient = (): Promise<SQSClient> =>
  loadSqsClient(patience(300, { maxAttempts: 2, connectionTimeout: 300 }));

async function loadSqsClient(settings: ReturnType<typeof patience>): Promise<SQSClient> {
  const { SQSClient } = await import("@aws-sdk/client-sqs");
  return new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
}

const passing =
  /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|LimitExceeded|InternalServer|InternalFailure|InternalError|InternalService|ServiceUnavailable|KMSInternal|DependencyTimeout|TimeoutError|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/;

/** Runs a request to AWS; what may pass by itself, after the SDK's own retries, is StoreUnavailable. */
export async function asStoreUnavailable<T>(store: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw isPassing(error) ? new StoreUnavailable(store, error) : error;
  }
}

function isPassing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { name, code, $metadata } = error as Partial<SdkError>;
  return (
    passing.test(name ?? "") || passing.test(code ?? "") || ($metadata?.httpStatusCode ?? 0) >= 500
  );
}

/** What the SDK throws: the service's error, or Node's with a `code`. */
interface SdkError {
  readonly name: string;
  readonly code: string;
  readonly $metadata: { readonly httpStatusCode?: number };
}
