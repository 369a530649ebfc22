import { type Duration, Token, Validations } from "aws-cdk-lib";
import { Policy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  type EventInvokeConfigOptions,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { LogLevel, NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Environment } from "../functions/runtime/environment.ts";
import { bundling } from "./bundling.ts";
import { createLogGroup } from "./log-group.ts";
import type { Settings } from "./settings.ts";

export interface NodeFunctionProps {
  readonly description: string;
  /** A path from the project's root. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The function's own reader. An environment that the function would refuse at its start ends the synthesis. */
  readonly readEnvironment: (environment: Environment) => unknown;
  /** Everything that the function may do, besides writing its own log and traces. */
  readonly permissions: readonly PolicyStatement[];
  readonly timeout: Duration;
  /** Invocations that are reserved for it, which are also its limit. @default none */
  readonly reservedConcurrency?: number | undefined;
  readonly settings: Settings;
}

/** A function with its log group, and a role that permits what is listed and nothing else. */
export class NodeFunction extends Construct {
  readonly function: NodejsFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    super(scope, id);
    const { description, entry, environment, permissions, timeout, settings } = props;
    props.readEnvironment(atSynthesis(environment));
    this.logGroup = createLogGroup(this, "Log", settings);
    const role = createRole(this, permissions, this.logGroup);
    this.function = new NodejsFunction(this, "Function", {
      ...{ description, entry, timeout, environment: { ...environment } },
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: settings.memoryMib,
      tracing: Tracing.ACTIVE,
      logGroup: this.logGroup,
      // The role already permits, more narrowly, everything that the library would add.
      role: role.withoutPolicyUpdates(),
      bundling: {
        ...bundling,
        mainFields: [...bundling.mainFields],
        format: OutputFormat.CJS,
        bundleAwsSDK: true,
        logLevel: LogLevel.WARNING,
      },
      // It concerns version 2 of the SDK alone.
      awsSdkConnectionReuse: false,
    });
  }

  /**
   * Sends the event of a failed asynchronous invocation to the queue, with the error. The function's permissions have
   * to include that.
   */
  sendFailedEventsTo(
    queue: IQueue,
    options: Pick<EventInvokeConfigOptions, "maxEventAge" | "retryAttempts">,
  ): void {
    this.function.configureAsyncInvoke({ ...options, onFailure: new SqsDestination(queue) });
    Validations.of(this).acknowledge({
      id: "Serverless-LambdaDLQ",
      reason:
        "The destination receives the failed event, as a dead-letter queue would, with the error.",
    });
  }
}

/** A value that is known at deployment alone, such as a queue's address, is replaced by an address. */
const atSynthesis = (environment: Readonly<Record<string, string>>): Environment =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      Token.isUnresolved(value) ? "https://known-at-deployment.invalid/" : value,
    ]),
  );

function createRole(
  scope: Construct,
  permissions: readonly PolicyStatement[],
  logGroup: LogGroup,
): Role {
  const role = new Role(scope, "Role", {
    assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
  });
  for (const permission of permissions) role.addToPolicy(permission);
  logGroup.grantWrite(role);
  const tracing = new Policy(role, "Tracing", {
    roles: [role],
    statements: [
      new PolicyStatement({
        actions: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        resources: ["*"],
      }),
    ],
  });
  Validations.of(tracing).acknowledge({
    id: "AwsSolutions-IAM5[Resource::*]",
    reason: "X-Ray has no resources: these two actions can only be permitted on *.",
  });
  return role;
}
