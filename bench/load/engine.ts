import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { serveParent, usedCpuMs } from "./child.ts";

/** The DynamoDB engine in a separate process. `LOAD_ENGINE_DIRECTORY` is the directory of its tables. */
const directory = process.env.LOAD_ENGINE_DIRECTORY;
const { endpoint } = await startDynamoDb(directory === undefined ? {} : { directory });
serveParent({ endpoint }, { usage: usedCpuMs });
