import type { Template } from "aws-cdk-lib/assertions";
import { deployed, legible, propertiesOf } from "./deployed.ts";

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** The statements of all policies of a function's role. */
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

const ofEveryFunction = (functionId: string) => [
  {
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource: `${functionId}LogArn`,
  },
  { Action: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Resource: "*" },
];

const openTable = (table: string) => ({
  Action: "kms:Decrypt",
  Resource: "TableKeyArn",
  Condition: throughDynamoDb(table),
});

const useOfConnections = (...actions: string[]) => [
  { Action: actions, Resource: "ConnectionsArn" },
  openTable("Connections"),
];

const useTokenKey = (action: string | string[], Condition: object) => ({
  ...{ Action: action, Resource: "TokenKeyArn", Condition },
});

const ofConnection = {
  StringLike: {
    "kms:EncryptionContext:workspace_id": "?*",
    "kms:EncryptionContext:connection_id": "?*",
  },
  "ForAllValues:StringEquals": {
    "kms:EncryptionContextKeys": ["workspace_id", "connection_id"],
  },
};

const ofPurpose = (purpose: string, contextKeys: readonly string[]) => ({
  StringEquals: {
    "kms:EncryptionContext:purpose": purpose,
    "kms:EncryptionContext:stage": "main",
  },
  "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": contextKeys },
});

const ofBranch = ofPurpose("branch-key", ["purpose", "stage", "branch", "version"]);

const refreshing = [
  {
    Action: ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"],
    Resource: "CoordinationArn",
  },
  openTable("Coordination"),
  { Action: ["dynamodb:GetItem", "dynamodb:PutItem"], Resource: "BranchKeysArn" },
  openTable("BranchKeys"),
  useTokenKey(["kms:Decrypt", "kms:GenerateDataKey"], ofConnection),
  useTokenKey(["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"], ofBranch),
  useTokenKey("kms:Decrypt", ofPurpose("rebind", ["purpose", "stage", "client_id", "origin"])),
  {
    Action: "secretsmanager:GetSecretValue",
    Resource:
      "arn:AWS::Partition:secretsmanager:AWS::Region:AWS::AccountId:secret:oauth-token-refresh/main/*",
  },
];

const workOn = (queue: string) => ({
  Action: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
  Resource: `${queue}Arn`,
});

const permitted = {
  Refresh: [
    ...useOfConnections("dynamodb:GetItem", "dynamodb:UpdateItem"),
    ...refreshing,
    { Action: "sqs:SendMessage", Resource: ["FailedInvocationsArn", "RescuesQueueArn"] },
  ],
  Worker: [
    ...useOfConnections("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"),
    ...refreshing,
    { Action: "sqs:SendMessage", Resource: "RescuesQueueArn" },
    workOn("RefreshesQueue"),
  ],
  Rescue: [
    ...useOfConnections("dynamodb:GetItem", "dynamodb:UpdateItem"),
    { Action: "dynamodb:GetItem", Resource: "BranchKeysArn" },
    openTable("BranchKeys"),
    useTokenKey("kms:Decrypt", ofConnection),
    useTokenKey("kms:Decrypt", ofBranch),
    {
      ...workOn("RescuesQueue"),
      Action: ["sqs:ChangeMessageVisibility", ...workOn("RescuesQueue").Action],
    },
  ],
  Sweep: [
    { Action: "dynamodb:Query", Resource: "ConnectionsArn/index/due" },
    openTable("Connections"),
    { Action: ["dynamodb:GetItem", "dynamodb:UpdateItem"], Resource: "CoordinationArn" },
    openTable("Coordination"),
    { Action: ["sqs:GetQueueAttributes", "sqs:SendMessage"], Resource: "RefreshesQueueArn" },
    { Action: "sqs:SendMessage", Resource: "MissedSweepsArn" },
  ],
  Authorizer: [{ Action: "dynamodb:GetItem", Resource: "ApiKeysArn" }, openTable("ApiKeys")],
};

describe("permissions", () => {
  const { service } = deployed();
  const roles = Object.entries(service.findResources("AWS::IAM::Role")).filter(
    ([id]) => !id.startsWith("ApiCloudWatchRole"),
  );

  it.each(Object.entries(permitted))("permit %s what it does, and nothing else", (id, own) => {
    const expected = [...own, ...ofEveryFunction(id)];
    const permissions = permissionsOf(service, id);
    expect(permissions).toHaveLength(expected.length);
    expect(permissions).toEqual(expect.arrayContaining(expected));
  });

  it("permit to open what former token keys encrypted, and to encrypt nothing with them", () => {
    const former = "arn:aws:kms:eu-west-1:123456789012:key/former";
    const moving = deployed({ "refresh:formerTokenKeyArns": former });
    const using = permissionsOf(moving.service, "Worker").filter(({ Resource }) =>
      JSON.stringify(Resource).includes(former),
    );
    expect(using).toMatchObject([
      { Action: "kms:Decrypt", Resource: [former, "TokenKeyArn"] },
      { Action: "kms:Decrypt", Resource: [former, "TokenKeyArn"] },
      { Action: "kms:Decrypt", Resource: [former, "TokenKeyArn"] },
    ]);
  });

  it("permit the schedule to invoke the sweep, and to tell that it could not", () => {
    expect(permissionsOf(service, "Sweeps")).toEqual([
      { Action: "lambda:InvokeFunction", Resource: "SweepFunctionArn" },
      { Action: "sqs:SendMessage", Resource: "MissedSweepsArn" },
    ]);
  });

  it("are the schedule's only in the name of our own group of schedules", () => {
    const { AssumeRolePolicyDocument } = propertiesOf(service, "AWS::IAM::Role", "SweepsRole");
    const { Statement } = legible(AssumeRolePolicyDocument) as { Statement: unknown };
    expect(Statement).toEqual([
      {
        Action: "sts:AssumeRole",
        Effect: "Allow",
        Principal: { Service: "scheduler.amazonaws.com" },
        Condition: {
          StringEquals: { "aws:SourceAccount": "AWS::AccountId", "aws:SourceArn": "SweepsArn" },
        },
      },
    ]);
  });

  it("are in no managed policy and no policy that is not listed here", () => {
    const owners = [...Object.keys(permitted), "Sweeps"];
    const isListed = (id: string) => owners.some((owner) => id.startsWith(`${owner}Role`));
    expect(roles).toHaveLength(owners.length);
    for (const [id, { Properties: role }] of roles) {
      expect({ id, isListed: isListed(id), members: Object.keys(role) }).toEqual({
        ...{ id, isListed: true },
        members: ["AssumeRolePolicyDocument"],
      });
    }
    const policies = Object.keys(service.findResources("AWS::IAM::Policy"));
    expect(policies.filter((id) => !isListed(id))).toEqual([]);
  });

  it("to use a queue are given to nobody by the queue itself", () => {
    for (const { Properties: policy } of Object.values(
      service.findResources("AWS::SQS::QueuePolicy"),
    )) {
      const effects = (policy.PolicyDocument.Statement as { Effect: string }[]).map(
        ({ Effect }) => Effect,
      );
      expect(effects).toEqual(["Deny"]);
    }
  });
});
