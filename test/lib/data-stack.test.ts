import type { Template } from "aws-cdk-lib/assertions";
import { deployed, propertiesOf, resource } from "./deployed.ts";

const tables = ["Connections", "ApiKeys", "Coordination", "BranchKeys"];
const table = (data: Template, id: string) => resource(data, "AWS::DynamoDB::Table", id);

describe("data stack", () => {
  const { app, data } = deployed();

  describe.each(tables)("table %s", (id) => {
    it("is encrypted with a key of ours", () => {
      const [tableKey] = Object.keys(data.findResources("AWS::KMS::Key")).filter((key) =>
        key.startsWith("TableKey"),
      );
      expect(propertiesOf(data, "AWS::DynamoDB::Table", id).SSESpecification).toEqual({
        SSEEnabled: true,
        SSEType: "KMS",
        KMSMasterKeyId: { "Fn::GetAtt": [tableKey, "Arn"] },
      });
    });

    it("has point-in-time recovery and deletion protection", () => {
      expect(table(data, id)).toMatchObject({
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
        Properties: {
          BillingMode: "PAY_PER_REQUEST",
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      });
    });
  });

  it("has a sparse index of due connections, with the members of a worker's message", () => {
    expect(propertiesOf(data, "AWS::DynamoDB::Table", "Connections")).toMatchObject({
      KeySchema: [{ AttributeName: "connection_id", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "due",
          KeySchema: [
            { AttributeName: "refresh_shard", KeyType: "HASH" },
            { AttributeName: "refresh_at", KeyType: "RANGE" },
          ],
          Projection: {
            ProjectionType: "INCLUDE",
            NonKeyAttributes: ["workspace_id", "integration"],
          },
        },
      ],
    });
  });

  it("deletes expired API keys", () => {
    expect(propertiesOf(data, "AWS::DynamoDB::Table", "ApiKeys")).toMatchObject({
      KeySchema: [{ AttributeName: "key_hash", KeyType: "HASH" }],
      TimeToLiveSpecification: { AttributeName: "expires_at", Enabled: true },
    });
  });

  it("deletes expired coordination items", () => {
    expect(propertiesOf(data, "AWS::DynamoDB::Table", "Coordination")).toMatchObject({
      KeySchema: [{ AttributeName: "item_id", KeyType: "HASH" }],
      TimeToLiveSpecification: { AttributeName: "expires_at", Enabled: true },
    });
  });

  it("has a key for tables and one for token sets, both rotated and retained", () => {
    const keys = Object.entries(data.findResources("AWS::KMS::Key"));
    expect(keys.map(([id]) => id.replace(/[0-9A-F]{8}$/, ""))).toEqual(["TableKey", "TokenKey"]);
    for (const [, key] of keys) {
      expect(key).toMatchObject({
        DeletionPolicy: "Retain",
        Properties: { EnableKeyRotation: true },
      });
    }
  });

  it("outputs the variables that the CLI needs", () => {
    expect(Object.keys(data.findOutputs("*"))).toEqual(
      expect.arrayContaining([
        ...["ConnectionsTable", "ApiKeysTable", "CoordinationTable"],
        ...["BranchKeysTable", "TokenKeyArn", "SecretPrefix", "Stage"],
      ]),
    );
    expect(data.findOutputs("SecretPrefix").SecretPrefix?.Value).toBe("oauth-token-refresh/main");
  });

  it("has termination protection, and tags", () => {
    const { terminationProtection, stackName, tags } = app
      .synth()
      .getStackByName("oauth-token-refresh-main-data");
    expect({ terminationProtection, stackName }).toEqual({
      terminationProtection: true,
      stackName: "oauth-token-refresh-main-data",
    });
    expect(tags).toEqual({ service: "oauth-token-refresh", stage: "main" });
  });
});

describe("data stack of a throw-away stage", () => {
  const { app, data } = deployed({ "refresh:stage": "pr-7", "refresh:throwAway": "true" });

  it("leaves nothing behind", () => {
    for (const id of tables) {
      expect(table(data, id)).toMatchObject({
        DeletionPolicy: "Delete",
        Properties: { DeletionProtectionEnabled: false },
      });
    }
    data.allResources("AWS::KMS::Key", { DeletionPolicy: "Delete" });
    const stack = app.synth().getStackByName("oauth-token-refresh-pr-7-data");
    expect(stack.terminationProtection).toBe(false);
  });
});
