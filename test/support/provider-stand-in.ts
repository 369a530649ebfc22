import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { localhostCertificate } from "./localhost-certificate.ts";

export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface ProviderStandIn {
  readonly url: URL;
  readonly port: number;
  /** What reached it, whole requests alone. */
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

type Respond = (response: ServerResponse, request: ReceivedRequest) => void;

/** A token endpoint on 127.0.0.1 that answers as it is told. */
export async function startProvider(
  respond: Respond,
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<ProviderStandIn> {
  const requests: ReceivedRequest[] = [];
  const listener = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url: path, headers } = incoming;
    const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
    requests.push(request);
    respond(response, request);
  };
  const server = tls ? createTlsServer(localhostCertificate, listener) : createServer(listener);
  return standIn(server, tls ? "https" : "http", requests);
}

/** One that writes the bytes it is told to, once a request has begun to come, and may end as it likes. */
export function startRawProvider(
  answer: (socket: Socket, beginning: Buffer) => void,
): Promise<ProviderStandIn> {
  const server = createTcpServer((socket) => {
    socket.once("data", (beginning) => answer(socket, beginning));
  });
  return standIn(server, "http", []);
}

async function standIn(
  server: Server,
  scheme: string,
  requests: readonly ReceivedRequest[],
): Promise<ProviderStandIn> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${scheme}://127.0.0.1:${port}/token`),
    port,
    requests,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
