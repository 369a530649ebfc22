import { AttributeType, type CfnTable, Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { createDeployment, type Deployment } from "../../lib/deployment.ts";
import { newApp } from "./deployed.ts";

const everyOptionalResource = {
  "refresh:throwAway": true,
  "refresh:sweepers": 4,
  "refresh:reservedConcurrency": 10,
  "refresh:webAclRequests": 1_000,
  "refresh:alarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
  "refresh:jwtIssuer": "https://issuer.example/",
  "refresh:jwtAudience": "refresh",
  "refresh:jwtJwksUri": "https://issuer.example/jwks",
  "refresh:jwtAlgorithms": "ES256",
};

describe("deployment", () => {
  it.each([
    ["with the default settings", {}],
    ["with every optional resource", everyOptionalResource],
  ])("passes all checks, and names no account and no region, %s", (_, context) => {
    const complaint = jest.spyOn(console, "error");
    const app = newApp(context);
    createDeployment(app);
    const stacks = app
      .synth()
      .stacks.map(({ stackName, environment }) => [stackName, environment.name]);
    expect(complaint).not.toHaveBeenCalled();
    expect(stacks).toEqual([
      ["oauth-token-refresh-main-data", "aws://unknown-account/unknown-region"],
      ["oauth-token-refresh-main", "aws://unknown-account/unknown-region"],
    ]);
  });

  it.each<[string, (deployment: Deployment) => void]>([
    ["AwsSolutions::AwsSolutions-DDB3", addTableWithoutRecovery],
    ["AwsSolutions::AwsSolutions-IAM5[Resource::*]", permitEverythingToBeDecrypted],
    ["Serverless::Serverless-LambdaTracing", addFunctionWithoutTracing],
    ["CloudFormation-Validate::F3003", haveNoCapacity],
  ])("fails against the rule %s", (rule, breakIt) => {
    const app = newApp();
    breakIt(createDeployment(app));
    expect(() => app.synth()).toThrow(`Acknowledge with '${rule}'`);
  });
});

function addTableWithoutRecovery({ data }: Deployment): void {
  new Table(data, "Unprotected", { partitionKey: { name: "id", type: AttributeType.STRING } });
}

function permitEverythingToBeDecrypted({ service }: Deployment): void {
  const role = service.node.findChild("Refresh").node.findChild("Role");
  if (!(role instanceof Role)) throw new Error("no role");
  role.addToPolicy(new PolicyStatement({ actions: ["kms:Decrypt"], resources: ["*"] }));
}

function addFunctionWithoutTracing({ service }: Deployment): void {
  new LambdaFunction(service, "Untraced", {
    runtime: Runtime.NODEJS_24_X,
    handler: "index.handler",
    code: Code.fromInline("exports.handler = async () => {}"),
    role: new Role(service, "Some", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") }),
  });
}

function haveNoCapacity({ data }: Deployment): void {
  const table = data.connections.node.defaultChild as CfnTable;
  table.billingMode = "PROVISIONED";
}
