import { Stack } from "aws-cdk-lib";
import type { RestApi } from "aws-cdk-lib/aws-apigateway";
import { CfnWebACL, CfnWebACLAssociation } from "aws-cdk-lib/aws-wafv2";
import type { Construct } from "constructs";
import { gatewayResponses, problemBody } from "./gateway-responses.ts";

/**
 * Blocks floods of requests before the authorizer is invoked, which looks up every unknown credential. It counts by
 * address and by Authorization header, over five minutes.
 * https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
 *
 * @param limit the requests that one address, or one header, may send in five minutes
 */
export function createWebAcl(scope: Construct, api: RestApi, limit: number): void {
  // AWS WAF cannot state the request id.
  const { request_id: _, ...problem } = problemBody(gatewayResponses.THROTTLED, "");
  const acl = new CfnWebACL(scope, "WebAcl", {
    name: Stack.of(scope).stackName,
    scope: "REGIONAL",
    defaultAction: { allow: {} },
    visibilityConfig: visibility("WebAcl"),
    customResponseBodies: {
      TooManyRequests: { contentType: "APPLICATION_JSON", content: JSON.stringify(problem) },
    },
    rules: [
      rateRule("ByAddress", 0, { limit, aggregateKeyType: "IP" }),
      rateRule("ByCredential", 1, {
        limit,
        aggregateKeyType: "CUSTOM_KEYS",
        customKeys: [
          {
            header: {
              name: "authorization",
              textTransformations: [{ priority: 0, type: "NONE" }],
            },
          },
        ],
      }),
    ],
  });
  new CfnWebACLAssociation(scope, "WebAclAssociation", {
    resourceArn: api.deploymentStage.stageArn,
    webAclArn: acl.attrArn,
  });
}

const evaluationWindowSec = 300;

const rateRule = (
  name: string,
  priority: number,
  statement: CfnWebACL.RateBasedStatementProperty,
): CfnWebACL.RuleProperty => ({
  name,
  priority,
  statement: { rateBasedStatement: { ...statement, evaluationWindowSec } },
  action: {
    block: {
      customResponse: {
        responseCode: gatewayResponses.THROTTLED.status,
        customResponseBodyKey: "TooManyRequests",
        responseHeaders: [{ name: "Retry-After", value: "60" }],
      },
    },
  },
  visibilityConfig: visibility(name),
});

/** A sampled request would show its Authorization header. */
const visibility = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
});
