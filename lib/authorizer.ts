import { Duration, Validations } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { authorizerConfig } from "../functions/runtime/config.ts";
import { NodeFunction } from "./constructs.ts";
import type { DataStack } from "./data-stack.ts";
import { useItems } from "./permissions.ts";
import type { Settings } from "./settings.ts";

/** An API key is looked up in three attempts of 3 s at most; a key set is waited for 3 s. */
const authorizerTimeout = Duration.seconds(10);

/** Tells the gateway who asks. */
export function createAuthorizer(
  scope: Construct,
  { apiKeys, tableKey }: DataStack,
  settings: Settings,
): NodeFunction {
  const { jwt, logLevel } = settings;
  const authorizer = new NodeFunction(scope, "Authorizer", {
    description: "Tells who asks, by API key or JWT",
    entry: "functions/lambda/authorizer.ts",
    environment: {
      API_KEYS_TABLE: apiKeys.tableName,
      LOG_LEVEL: logLevel,
      ...(jwt && {
        JWT_ISSUER: jwt.issuer,
        JWT_AUDIENCE: jwt.audience,
        JWT_JWKS_URI: jwt.jwksUri,
        ...(jwt.algorithms && { JWT_ALGORITHMS: jwt.algorithms }),
      }),
    },
    readEnvironment: authorizerConfig,
    permissions: useItems({ table: apiKeys, tableKey }, "dynamodb:GetItem"),
    timeout: authorizerTimeout,
    settings,
  });
  const reason = "Only the gateway invokes it, and waits for its answer.";
  Validations.of(authorizer).acknowledge(
    { id: "Serverless-LambdaDLQ", reason },
    { id: "Serverless-LambdaAsyncFailureDestination", reason },
  );
  return authorizer;
}
