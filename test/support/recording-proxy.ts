import { createServer, type IncomingMessage, request as requestTo } from "node:http";
import { closeServer, listenOnLoopback } from "../../bin/local/loopback.ts";

/** A request on its way to the server, or its response on the way back. */
export interface Passing {
  readonly moment: "request" | "response";
  readonly path: string;
  /** The operation of AWS, `UpdateItem` for instance. Empty: another service. */
  readonly operation: string;
  /** The body of the request. */
  readonly body: string;
}

/** Returns true if a request to DynamoDB sets the attribute, under any placeholder of its expression. */
export function setsAttribute({ operation, body }: Passing, attribute: string): boolean {
  if (operation !== "UpdateItem") return false;
  const { UpdateExpression, ExpressionAttributeNames = {} } = JSON.parse(body);
  const [, assignments = ""] = /\bSET (.*?)(?: REMOVE |$)/.exec(UpdateExpression) ?? [];
  const names = assignments.split(",").map((assignment) => assignment.split("=")[0]?.trim() ?? "");
  return names.some((name) => (ExpressionAttributeNames[name] ?? name) === attribute);
}

export interface RecordingProxy {
  readonly url: string;
  /** Bodies of the requests that the server has responded to. */
  readonly answered: readonly string[];
  close(): Promise<void>;
}

/**
 * A proxy in front of a server on this machine.
 * @param interrupts true: the connection is closed at this moment, and nothing is passed on
 */
export async function startRecordingProxy(
  target: string,
  interrupts: (passing: Passing) => boolean = () => false,
): Promise<RecordingProxy> {
  const { hostname, port, origin } = new URL(target);
  const answered: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body = await read(incoming);
    const operation = String(incoming.headers["x-amz-target"] ?? "").replace(/^.*\./, "");
    const passing = { path: incoming.url ?? "", operation, body: body.toString() };
    if (interrupts({ moment: "request", ...passing })) {
      outgoing.destroy();
      return;
    }
    const { method, url: path, headers } = incoming;
    const onward = requestTo(
      { hostname, port, method, path, headers, agent: false },
      async (response) => {
        const content = await read(response);
        answered.push(passing.body);
        if (interrupts({ moment: "response", ...passing })) {
          outgoing.destroy();
          return;
        }
        outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders).end(content);
      },
    );
    onward.once("error", () => outgoing.destroy());
    onward.end(body);
  });
  const own = await listenOnLoopback(server);
  return {
    url: target.replace(origin, own),
    answered,
    close: () => closeServer(server),
  };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
