import { type Duration, RemovalPolicy, Token, Validations } from "aws-cdk-lib";
import { Policy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogLevel, NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { Environment } from "../functions/runtime/environment.ts";
import { bundling } from "./bundling.ts";
import type { Settings } from "./settings.ts";

export interface NodeFunctionProps {
  readonly description: string;
  /** From the project's root. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The function's own reader: what it would refuse at its start is refused at synthesis. */
  readonly readEnvironment: (environment: Environment) => unknown;
  /** All that it may do, its own log and traces apart. */
  readonly permissions: readonly PolicyStatement[];
  readonly timeout: Duration;
  /** Invocations that may run at a time, kept free for it. @default no limit */
  readonly reservedConcurrency?: number | undefined;
  readonly settings: Settings;
}

/** A function with its log, and a role that permits what is listed and nothing else. */
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
      // Whatever the library would add by itself is in the role already, and more narrowly.
      role: role.withoutPolicyUpdates(),
      bundling: {
        ...bundling,
        mainFields: [...bundling.mainFields],
        format: OutputFormat.CJS,
        bundleAwsSDK: true,
        logLevel: LogLevel.WARNING,
      },
      // For the second version of the SDK.
      awsSdkConnectionReuse: false,
    });
  }
}

/** A queue's address is known at deployment alone. */
const atSynthesis = (environment: Readonly<Record<string, string>>): Environment =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      Token.isUnresolved(value) ? "https://known-at-deployment.invalid/" : value,
    ]),
  );

/** Kept beyond its stack, for the token sets of last resort, unless the deployment is a throw-away one. */
export const createLogGroup = (
  scope: Construct,
  id: string,
  { logRetentionDays, throwAway }: Settings,
): LogGroup =>
  new LogGroup(scope, id, {
    retention: logRetentionDays,
    removalPolicy: throwAway ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });

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
    reason: "X-Ray has no resources: these two actions can be permitted on * alone.",
  });
  return role;
}
