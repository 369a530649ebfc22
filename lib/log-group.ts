import { RemovalPolicy } from "aws-cdk-lib";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Settings } from "./settings.ts";

/** Outlives its stack, since it may hold token sets that nothing else holds; not in a throw-away deployment. */
export const createLogGroup = (
  scope: Construct,
  id: string,
  { logRetentionDays, throwAway }: Settings,
): LogGroup =>
  new LogGroup(scope, id, {
    retention: logRetentionDays,
    removalPolicy: throwAway ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
