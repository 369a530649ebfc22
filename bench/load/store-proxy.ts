import { Agent, createServer, type IncomingMessage, request as requestTo } from "node:http";
import { listenOnLoopback } from "../../bin/local/loopback.ts";
import { serveParent, usedCpuMs } from "./child.ts";

/**
 * A proxy for the DynamoDB engine. It sums the consumed capacity of all requests, and throttles all requests
 * while that is switched on.
 */

export interface StoreProxy {
  readonly endpoint: string;
}

export interface Consumption {
  /** The number of requests by operation, e.g. `Query`. */
  readonly requests: Readonly<Record<string, number>>;
  /** The capacity units that `ReturnConsumedCapacity` reports, by operation. */
  readonly capacityUnits: Readonly<Record<string, number>>;
  readonly throttled: number;
}

const { hostname, port } = new URL(process.env.LOAD_PROXY_TARGET ?? "");
const agent = new Agent({ keepAlive: true });
let requests: Record<string, number> = {};
let capacityUnits: Record<string, number> = {};
let throttled = 0;
let throttles = false;

const add = (sums: Record<string, number>, name: string, amount: number): void => {
  sums[name] = (sums[name] ?? 0) + amount;
};

const throttle = JSON.stringify({
  __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
  message: "The level of configured provisioned throughput for the table was exceeded.",
});

const server = createServer(async (incoming, outgoing) => {
  const operation = String(incoming.headers["x-amz-target"]).replace(/^.*\./, "");
  const body = await read(incoming);
  if (throttles) {
    throttled += 1;
    outgoing.writeHead(400, { "content-type": "application/x-amz-json-1.0" }).end(throttle);
    return;
  }
  const metered = JSON.stringify({ ...JSON.parse(body), ReturnConsumedCapacity: "TOTAL" });
  const headers = { ...incoming.headers, "content-length": Buffer.byteLength(metered) };
  const onward = requestTo(
    { agent, hostname, port, method: "POST", path: incoming.url, headers },
    async (response) => {
      const responseBody = await read(response);
      add(requests, operation, 1);
      add(capacityUnits, operation, consumedIn(responseBody));
      // The checksum of the body is in a header that is forwarded, so the body stays as it is.
      outgoing.writeHead(response.statusCode ?? 502, response.headers).end(responseBody);
    },
  );
  onward.once("error", () => outgoing.destroy());
  onward.end(metered);
});

async function read(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

interface Capacity {
  readonly CapacityUnits: number;
}

/** The response to a failed condition has no consumed capacity; that to a batch has one for each table. */
function consumedIn(responseBody: string): number {
  const { ConsumedCapacity = [] } = JSON.parse(responseBody) as {
    ConsumedCapacity?: Capacity | readonly Capacity[];
  };
  return [ConsumedCapacity].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
}

serveParent({ endpoint: await listenOnLoopback(server) } satisfies StoreProxy, {
  throttle: (isOn: boolean) => {
    throttles = isOn;
  },
  consumption: (): Consumption => ({ requests, capacityUnits, throttled }),
  reset: () => {
    requests = {};
    capacityUnits = {};
    throttled = 0;
  },
  usage: usedCpuMs,
});
