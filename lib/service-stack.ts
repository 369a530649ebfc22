import { CfnOutput, Duration, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { apiConfig, authorizerConfig } from "../functions/config.ts";
import { budgetFor } from "../functions/domain/budget.ts";
import { NodeFunction } from "./constructs.ts";
import type { DataStack } from "./data-stack.ts";
import { createAlarms } from "./monitoring.ts";
import { readSecrets, sendTo, useItems, useTokenKey } from "./permissions.ts";
import { createRestApi } from "./rest-api.ts";
import type { Settings } from "./settings.ts";

export interface ServiceStackProps extends StackProps {
  readonly data: DataStack;
  readonly settings: Settings;
}

/** What serves callers: the API and its functions. What must not be lost is in the {@link DataStack}. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, { data, settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const failedInvocations = createFailedInvocations(this);
    const refresh = createRefresh(this, data, settings, failedInvocations);
    const authorizer = createAuthorizer(this, data, settings);
    const api = createRestApi(this, { refresh, authorizer }, settings);
    createAlarms(this, { api, refresh, failedInvocations }, settings);
    const host = `${api.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    new CfnOutput(this, "ApiUrl", { value: `https://${host}/${settings.stage}` });
    new CfnOutput(this, "RefreshFunctionArn", { value: refresh.function.functionArn });
  }
}

function createRefresh(
  scope: Construct,
  { connections, tableKey, tokenKey }: DataStack,
  settings: Settings,
  failedInvocations: Queue,
): NodeFunction {
  const environment = {
    CONNECTIONS_TABLE: connections.tableName,
    SECRET_PREFIX: settings.secretPrefix,
    KMS_KEY_ID: tokenKey.keyArn,
    PROVIDER_TIMEOUT_SECONDS: `${settings.providerTimeoutSeconds}`,
    COALESCE_WINDOW_SECONDS: `${settings.coalesceWindowSeconds}`,
    CLIENT_CACHE_SECONDS: `${settings.clientCacheSeconds}`,
    LOG_LEVEL: settings.logLevel,
  };
  // What the function would refuse at its start is refused here.
  apiConfig(environment);
  const refresh = new NodeFunction(scope, "Refresh", {
    description: "Refreshes one OAuth connection",
    entry: "functions/lambda/api.ts",
    environment,
    permissions: [
      ...useItems({ table: connections, tableKey }, "dynamodb:GetItem", "dynamodb:UpdateItem"),
      useTokenKey(tokenKey),
      readSecrets(settings.secretPrefix),
      sendTo(failedInvocations),
    ],
    timeout: Duration.millis(budgetFor(settings.providerTimeoutSeconds).functionTimeoutMs),
    reservedConcurrency: settings.reservedConcurrency,
    settings,
  });
  // Of direct invocations: a caller of the API gets an answer, whatever happens.
  refresh.function.configureAsyncInvoke({
    onFailure: new SqsDestination(failedInvocations),
    maxEventAge: Duration.hours(1),
  });
  Validations.of(refresh).acknowledge(
    {
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${settings.secretPrefix}/*]`,
      reason: "Client registrations come and go without a deployment; nothing else lies below.",
    },
    {
      id: "Serverless-LambdaDLQ",
      reason: "A destination holds what a dead-letter queue would, and why it failed.",
    },
  );
  return refresh;
}

/** An API key is looked up in three attempts of 3 s at most; a key set is waited for 3 s. */
const authorizerTimeout = Duration.seconds(10);

function createAuthorizer(
  scope: Construct,
  { apiKeys, tableKey }: DataStack,
  settings: Settings,
): NodeFunction {
  const { jwt, logLevel } = settings;
  const environment = {
    API_KEYS_TABLE: apiKeys.tableName,
    LOG_LEVEL: logLevel,
    ...(jwt && {
      JWT_ISSUER: jwt.issuer,
      JWT_AUDIENCE: jwt.audience,
      JWT_JWKS_URI: jwt.jwksUri,
      ...(jwt.algorithms && { JWT_ALGORITHMS: jwt.algorithms }),
    }),
  };
  authorizerConfig(environment);
  const authorizer = new NodeFunction(scope, "Authorizer", {
    description: "Tells who asks, by API key or JWT",
    entry: "functions/lambda/authorizer.ts",
    environment,
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

function createFailedInvocations(scope: Construct): Queue {
  const queue = new Queue(scope, "FailedInvocations", {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  const reason = "Nothing consumes it by itself: an alarm calls a person.";
  Validations.of(queue).acknowledge(
    { id: "AwsSolutions-SQS3", reason },
    { id: "Serverless-SQSRedrivePolicy", reason },
  );
  return queue;
}
