import type { Template } from "aws-cdk-lib/assertions";
import { deployed, legible } from "./deployed.ts";

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** What a function may do, all policies of its role together. */
function permissionsOf(service: Template, functionId: string): readonly Statement[] {
  const policies = Object.entries(service.findResources("AWS::IAM::Policy"));
  return policies
    .filter(([id]) => id.startsWith(`${functionId}Role`))
    .flatMap(([, { Properties: policy }]) => policy.PolicyDocument.Statement as Statement[])
    .map(({ Action, Resource, Condition }) => ({
      Action,
      Resource: legible(Resource),
      ...(Condition !== undefined && { Condition: legible(Condition) }),
    }));
}

const throughDynamoDb = (table: string) => ({
  StringEquals: {
    "kms:ViaService": "dynamodb.AWS::Region.AWS::URLSuffix",
    "kms:EncryptionContext:aws:dynamodb:tableName": table,
  },
});

const tracing = { Action: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Resource: "*" };

const ownLog = (functionId: string) => ({
  Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
  Resource: `${functionId}LogArn`,
});

describe("permissions of the functions", () => {
  const { service } = deployed();

  it("permits the refresh function what it does, and nothing else", () => {
    const expected = [
      { Action: ["dynamodb:GetItem", "dynamodb:UpdateItem"], Resource: "ConnectionsArn" },
      {
        Action: "kms:Decrypt",
        Resource: "TableKeyArn",
        Condition: throughDynamoDb("Connections"),
      },
      {
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: "TokenKeyArn",
        Condition: {
          StringLike: {
            "kms:EncryptionContext:workspace_id": "?*",
            "kms:EncryptionContext:connection_id": "?*",
          },
          "ForAllValues:StringEquals": {
            "kms:EncryptionContextKeys": ["workspace_id", "connection_id"],
          },
        },
      },
      {
        Action: "secretsmanager:GetSecretValue",
        Resource:
          "arn:AWS::Partition:secretsmanager:AWS::Region:AWS::AccountId:secret:oauth-token-refresh/main/*",
      },
      { Action: "sqs:SendMessage", Resource: "FailedInvocationsArn" },
      ownLog("Refresh"),
      tracing,
    ];
    const permissions = permissionsOf(service, "Refresh");
    expect(permissions).toHaveLength(expected.length);
    expect(permissions).toEqual(expect.arrayContaining(expected));
  });

  it("permits the authorizer to look up a key, and nothing else", () => {
    const expected = [
      { Action: "dynamodb:GetItem", Resource: "ApiKeysArn" },
      { Action: "kms:Decrypt", Resource: "TableKeyArn", Condition: throughDynamoDb("ApiKeys") },
      ownLog("Authorizer"),
      tracing,
    ];
    const permissions = permissionsOf(service, "Authorizer");
    expect(permissions).toHaveLength(expected.length);
    expect(permissions).toEqual(expect.arrayContaining(expected));
  });

  it("gives its functions no managed policy and no policy that is not listed here", () => {
    const functionRoles = Object.entries(service.findResources("AWS::IAM::Role")).filter(
      ([id]) => !id.startsWith("ApiCloudWatchRole"),
    );
    expect(functionRoles).toHaveLength(2);
    for (const [, { Properties: role }] of functionRoles) {
      expect(Object.keys(role)).toEqual(["AssumeRolePolicyDocument"]);
    }
    const owners = Object.keys(service.findResources("AWS::IAM::Policy"));
    expect(owners.every((id) => /^(?:Refresh|Authorizer)Role/.test(id))).toBe(true);
  });
});
