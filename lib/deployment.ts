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

/** Both stacks, and the checks that every deployment has to pass. @throws {InvalidSettings} */
export function createDeployment(app: App): Deployment {
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new ServerlessChecks(app),
    // The library's types do not allow for exact optional properties. A flag in cdk.json turns the findings of this
    // plug-in from warnings into errors.
    new CloudFormationValidatePlugin() as IPolicyValidationPlugin,
  );
  return createStacks(app);
}

/** Stacks for the account and region of the deployment, whichever they are. @throws {InvalidSettings} */
export function createStacks(app: App): Deployment {
  const settings = readSettings(app.node.getAllContext());
  const { stage } = settings;
  // CloudFormation copies the stack's tags to every resource.
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
