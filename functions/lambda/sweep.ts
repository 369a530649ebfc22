import { sweepHandler } from "../handlers/sweep.ts";
import { sweepRuntime } from "../runtime/sweep.ts";

export const handler = sweepHandler(sweepRuntime(process.env));
