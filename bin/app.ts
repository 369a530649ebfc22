import { App } from "aws-cdk-lib";
import { createDeployment } from "../lib/deployment.ts";
import { InvalidSettings } from "../lib/read-settings.ts";

try {
  createDeployment(new App());
} catch (error) {
  if (!(error instanceof InvalidSettings)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
