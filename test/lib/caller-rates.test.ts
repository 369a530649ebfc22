import {
  callerBucketOf,
  maximumCallerBuckets,
  usageKeyOf,
} from "../../functions/domain/model/caller-bucket.ts";
import { authorizerRuntime } from "../../functions/runtime/authorizer.ts";
import { deployed, legible, type Properties, propertiesOf } from "./deployed.ts";

describe("the rate of a caller", () => {
  const { service, callerRates } = deployed({
    "refresh:callerRate": 5,
    "refresh:callerBurst": 10,
    "refresh:stage": "eu-1",
  });
  const keys = Object.entries(callerRates?.findResources("AWS::ApiGateway::ApiKey") ?? {});
  const environment = propertiesOf(service, "AWS::Lambda::Function", "AuthorizerFunction")
    .Environment as { Variables: Properties };

  it("is a usage plan's, in a stack of its own", () => {
    if (callerRates === undefined) throw new Error("no stack");
    expect(propertiesOf(callerRates, "AWS::ApiGateway::UsagePlan")).toMatchObject({
      Throttle: { RateLimit: 5, BurstLimit: 10 },
      ApiStages: [{ ApiId: { Ref: expect.any(String) }, Stage: { Ref: expect.any(String) } }],
    });
    expect(keys).toHaveLength(maximumCallerBuckets);
    const plan = Object.values(callerRates.findResources("AWS::ApiGateway::UsagePlanKey"));
    expect(new Set(plan.map(({ Properties: { KeyId } }) => KeyId.Ref))).toEqual(
      new Set(keys.map(([id]) => id)),
    );
  });

  it("applies to the key that the authorizer names, and a caller can name none", () => {
    expect(propertiesOf(service, "AWS::ApiGateway::RestApi").ApiKeySourceType).toBe("AUTHORIZER");
    expect(propertiesOf(service, "AWS::ApiGateway::Method").ApiKeyRequired).toBe(true);
  });

  it("has a key for every caller that the deployed authorizer may see", () => {
    const variables = Object.fromEntries(
      Object.entries(environment.Variables).map(([name, value]) => [name, String(legible(value))]),
    );
    const { usageKeyOf: keyOf } = authorizerRuntime({ ...variables, AWS_REGION: "eu-west-1" });
    const values = keys.map(
      ([
        ,
        {
          Properties: { Value },
        },
      ]) => Value,
    );
    for (let n = 0; n < 1_000; n++) expect(values).toContain(keyOf?.(`jwt:user-${n}`));
    expect(keyOf?.("key:k1")).toBe(usageKeyOf("eu-1", callerBucketOf("key:k1", 64)));
  });

  it("can be left out", () => {
    const without = deployed({ "refresh:callerRate": 0 });
    expect(without.callerRates).toBeUndefined();
    expect(propertiesOf(without.service, "AWS::ApiGateway::RestApi")).not.toHaveProperty(
      "ApiKeySourceType",
    );
    expect(propertiesOf(without.service, "AWS::ApiGateway::Method").ApiKeyRequired).toBe(false);
    const { Environment } = propertiesOf(
      without.service,
      "AWS::Lambda::Function",
      "AuthorizerFunction",
    );
    expect(JSON.stringify(Environment)).not.toContain("CALLER_BUCKETS");
  });
});

describe("the web ACL", () => {
  it("is there where it is asked for", () => {
    expect(Object.keys(deployed().service.findResources("AWS::WAFv2::WebACL"))).toEqual([]);
  });

  it("limits an address and a credential, with the API's own problem, and samples no request", () => {
    const { service } = deployed({ "refresh:webAclRequests": 1_000 });
    const acl = propertiesOf(service, "AWS::WAFv2::WebACL") as {
      Rules: readonly { Statement: { RateBasedStatement: Properties }; Action: Properties }[];
      CustomResponseBodies: Record<string, { Content: string }>;
    };
    expect(acl.Rules.map(({ Statement }) => Statement.RateBasedStatement)).toEqual([
      { Limit: 1_000, EvaluationWindowSec: 300, AggregateKeyType: "IP" },
      {
        ...{ Limit: 1_000, EvaluationWindowSec: 300, AggregateKeyType: "CUSTOM_KEYS" },
        CustomKeys: [
          {
            Header: {
              Name: "authorization",
              TextTransformations: [{ Priority: 0, Type: "NONE" }],
            },
          },
        ],
      },
    ]);
    expect(JSON.parse(acl.CustomResponseBodies.TooManyRequests?.Content ?? "")).toEqual({
      type: "about:blank",
      title: "Too Many Requests",
      status: 429,
      detail: "Too many requests.",
      code: "too_many_requests",
    });
    expect(JSON.stringify(acl)).not.toContain('"SampledRequestsEnabled":true');
    expect(propertiesOf(service, "AWS::WAFv2::WebACLAssociation").WebACLArn).toBeDefined();
  });
});
