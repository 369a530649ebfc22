import { Duration, Validations } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { maximumCallerBuckets } from "../functions/domain/model/caller-bucket.ts";
import { authorizerConfig } from "../functions/runtime/config.ts";
import type { DataStack } from "./data-stack.ts";
import { NodeFunction } from "./node-function.ts";
import { accessItems } from "./permissions.ts";
import type { Settings } from "./settings.ts";

/** The look-up of an API key takes three attempts of 3 s at most, and the request for a key set 3 s. */
const authorizerTimeout = Duration.seconds(10);

/** Authenticates the callers of the API for the gateway. */
export function createAuthorizer(
  scope: Construct,
  { apiKeys, tableKey }: DataStack,
  settings: Settings,
): NodeFunction {
  const { jwt, logLevel, stage, callerRate } = settings;
  const authorizer = new NodeFunction(scope, "Authorizer", {
    description: "Authenticates callers by API key or JWT",
    entry: "functions/lambda/authorizer.ts",
    environment: {
      API_KEYS_TABLE: apiKeys.tableName,
      LOG_LEVEL: logLevel,
      ...(callerRate > 0 && { STAGE: stage, CALLER_BUCKETS: String(maximumCallerBuckets) }),
      ...(jwt && {
        JWT_ISSUER: jwt.issuer,
        JWT_AUDIENCE: jwt.audience,
        JWT_JWKS_URI: jwt.jwksUri,
        ...(jwt.algorithms && { JWT_ALGORITHMS: jwt.algorithms }),
      }),
    },
    readEnvironment: authorizerConfig,
    permissions: accessItems({ table: apiKeys, tableKey }, "dynamodb:GetItem"),
    timeout: authorizerTimeout,
    settings,
  });
  const reason = "Only the gateway invokes it, and waits for its response.";
  Validations.of(authorizer).acknowledge(
    { id: "Serverless-LambdaDLQ", reason },
    { id: "Serverless-LambdaAsyncFailureDestination", reason },
  );
  return authorizer;
}
