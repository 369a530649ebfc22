import { rescueHandler } from "../handlers/rescue.ts";
import { rescueRuntime } from "../runtime/rescue.ts";

export const handler = rescueHandler(rescueRuntime(process.env));
