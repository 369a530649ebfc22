import { workerHandler } from "../handlers/worker.ts";
import { workerRuntime } from "../runtime/worker.ts";

export const handler = workerHandler(workerRuntime(process.env));
