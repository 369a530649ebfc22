import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { serveParent, usedCpuMs } from "./child.ts";

/** The DynamoDB engine, in a process of its own. `LOAD_ENGINE_DIRECTORY` keeps its tables on disk. */
const directory = process.env.LOAD_ENGINE_DIRECTORY;
const { endpoint } = await startDynamoDb(directory === undefined ? {} : { directory });
serveParent({ endpoint }, { usage: usedCpuMs });
