import { NestedStack, type NestedStackProps, Stack } from "aws-cdk-lib";
import { CfnApiKey, CfnUsagePlan, CfnUsagePlanKey, type RestApi } from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import { maximumCallerBuckets, usageKeyOf } from "../functions/domain/model/caller-bucket.ts";
import type { Settings } from "./settings.ts";

export interface CallerRatesProps extends NestedStackProps {
  readonly api: RestApi;
  readonly settings: Pick<Settings, "stage" | "callerRate" | "callerBurst">;
}

/**
 * A rate for each caller, before the function is invoked: a usage plan with a key for each bucket of callers. The
 * authorizer names a caller's key. The plan keeps to the rate approximately, and callers may share a bucket, so that it
 * protects the other callers and guarantees nothing.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
 *
 * It is a stack of its own because of its 129 resources, of which a stack may have 500.
 */
export class CallerRates extends NestedStack {
  constructor(scope: Construct, id: string, { api, settings, ...props }: CallerRatesProps) {
    super(scope, id, { description: "OAuth token refresh: a rate for each caller", ...props });
    const { stage, callerRate, callerBurst } = settings;
    const plan = new CfnUsagePlan(this, "Plan", {
      usagePlanName: Stack.of(scope).stackName,
      description: "A rate for each bucket of callers",
      apiStages: [{ apiId: api.restApiId, stage: api.deploymentStage.stageName }],
      throttle: { rateLimit: callerRate, burstLimit: callerBurst },
    });
    for (let bucket = 0; bucket < maximumCallerBuckets; bucket++) {
      const key = new CfnApiKey(this, `Key${bucket}`, {
        name: `${Stack.of(scope).stackName}-callers-${bucket}`,
        description:
          "Stands for a bucket of callers. No credential: the API takes it from its authorizer.",
        value: usageKeyOf(stage, bucket),
        enabled: true,
      });
      new CfnUsagePlanKey(this, `PlanKey${bucket}`, {
        keyId: key.ref,
        keyType: "API_KEY",
        usagePlanId: plan.ref,
      });
    }
  }
}
