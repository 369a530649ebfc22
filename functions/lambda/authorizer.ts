import { authorizerHandler } from "../handlers/authorizer.ts";
import { authorizerRuntime } from "../runtime/authorizer.ts";

export const handler = authorizerHandler(authorizerRuntime(process.env));
