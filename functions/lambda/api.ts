import { apiHandler } from "../handlers/api.ts";
import { apiRuntime } from "../runtime/api.ts";

export const handler = apiHandler(apiRuntime(process.env));
