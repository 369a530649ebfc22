import { CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  Table,
  TableEncryption,
  type TableProps,
} from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import {
  apiKeyKey,
  apiKeyTimeToLive,
  branchKeyKey,
  connectionKey,
  connectionTimeToLive,
  coordinationKey,
  coordinationTimeToLive,
  dueIndex,
} from "../functions/adapters/dynamodb/tables.ts";
import type { Settings } from "./settings.ts";

export interface DataStackProps extends StackProps {
  readonly settings: Settings;
}

/**
 * The resources that must outlive every deployment: tables and keys. The CLI creates the client registrations'
 * secrets, below the prefix among the outputs, under the account's own key for Secrets Manager. So the permission
 * to read a secret is the only one that decides who may.
 */
export class DataStack extends Stack {
  readonly connections: Table;
  readonly apiKeys: Table;
  /**
   * The branch keys, from which the keys of token sets are derived. The token key encrypts each of them. Token sets of
   * format 2 cannot be decrypted without this table: back it up and restore it together with the connections.
   */
  readonly branchKeys: Table;
  /** State that processes share: holds and limits of integrations, and the sweep's positions. */
  readonly coordination: Table;
  /** Encrypts all tables at rest. */
  readonly tableKey: Key;
  /** Encrypts the token sets alone, so that reading, exporting or restoring a table discloses no token. */
  readonly tokenKey: Key;

  constructor(scope: Construct, id: string, { settings, ...props }: DataStackProps) {
    super(scope, id, { ...props, terminationProtection: !settings.throwAway });
    const removalPolicy = settings.throwAway ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.tableKey = this.#key("TableKey", "tables at rest", removalPolicy);
    this.tokenKey = this.#key("TokenKey", "token sets", removalPolicy);

    const protectedTable = {
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.tableKey,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !settings.throwAway,
      removalPolicy,
    } satisfies Partial<TableProps>;

    this.connections = new Table(this, "Connections", {
      ...protectedTable,
      partitionKey: { name: connectionKey, type: AttributeType.STRING },
      timeToLiveAttribute: connectionTimeToLive,
    });
    this.connections.addGlobalSecondaryIndex({
      indexName: dueIndex.name,
      partitionKey: { name: dueIndex.hashKey, type: AttributeType.NUMBER },
      sortKey: { name: dueIndex.rangeKey, type: AttributeType.NUMBER },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [...dueIndex.projected],
    });
    this.apiKeys = new Table(this, "ApiKeys", {
      ...protectedTable,
      partitionKey: { name: apiKeyKey, type: AttributeType.STRING },
      timeToLiveAttribute: apiKeyTimeToLive,
    });
    this.coordination = new Table(this, "Coordination", {
      ...protectedTable,
      partitionKey: { name: coordinationKey, type: AttributeType.STRING },
      timeToLiveAttribute: coordinationTimeToLive,
    });
    this.branchKeys = new Table(this, "BranchKeys", {
      ...protectedTable,
      partitionKey: { name: branchKeyKey, type: AttributeType.STRING },
    });

    this.#addOutputs(settings);
  }

  #key(id: string, use: string, removalPolicy: RemovalPolicy): Key {
    return new Key(this, id, {
      description: `${this.stackName}: ${use}`,
      enableKeyRotation: true,
      removalPolicy,
    });
  }

  #addOutputs({ secretPrefix, stage }: Settings): void {
    new CfnOutput(this, "ConnectionsTable", { value: this.connections.tableName });
    new CfnOutput(this, "ApiKeysTable", { value: this.apiKeys.tableName });
    new CfnOutput(this, "CoordinationTable", { value: this.coordination.tableName });
    new CfnOutput(this, "BranchKeysTable", { value: this.branchKeys.tableName });
    new CfnOutput(this, "TokenKeyArn", { value: this.tokenKey.keyArn });
    new CfnOutput(this, "SecretPrefix", { value: secretPrefix });
    new CfnOutput(this, "Stage", { value: stage });
  }
}
