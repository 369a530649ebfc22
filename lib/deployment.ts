import {
  type App,
  CloudFormationValidatePlugin,
  type IPolicyValidationPlugin,
  Validations,
} from "aws-cdk-lib";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import { DataStack } from "./data-stack.ts";
import { readSettings } from "./read-settings.ts";
import { ServiceStack } from "./service-stack.ts";

const service = "oauth-token-refresh";

export interface Deployment {
  readonly data: DataStack;
  readonly service: ServiceStack;
}

/** Both stacks, and the checks without which no deployment is made. @throws {InvalidSettings} */
export function createDeployment(app: App): Deployment {
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new ServerlessChecks(app),
    // The library is not written for exact optional properties. That this one's findings are errors,
    // not warnings, is a flag in cdk.json.
    new CloudFormationValidatePlugin() as IPolicyValidationPlugin,
  );
  return createStacks(app);
}

/** For whatever account and region the deployment is made to. @throws {InvalidSettings} */
export function createStacks(app: App): Deployment {
  const settings = readSettings(app.node.getAllContext());
  const { stage } = settings;
  // CloudFormation tags every resource as its stack.
  const tags = { service, stage };
  const data = new DataStack(app, "Data", {
    stackName: `${service}-${stage}-data`,
    description: "OAuth token refresh: tables and keys",
    tags,
    settings,
  });
  return {
    data,
    service: new ServiceStack(app, "Service", {
      stackName: `${service}-${stage}`,
      description: "OAuth token refresh: API and functions",
      tags,
      data,
      settings,
    }),
  };
}
