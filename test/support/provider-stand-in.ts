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
  /** The requests that arrived completely. */
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

export type Respond = (response: ServerResponse, request: ReceivedRequest) => void;

export const respondWith =
  (status: number, contentType: string, body: string, headers = {}): Respond =>
  (response) => {
    response.writeHead(status, { "Content-Type": contentType, ...headers }).end(body);
  };

export const respondWithJson = (status: number, body: unknown, headers = {}): Respond =>
  respondWith(status, "application/json", JSON.stringify(body), headers);

/** A token endpoint on 127.0.0.1. */
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

/** A token endpoint that writes to the socket itself, as soon as a request begins to arrive. */
export function startRawProvider(
  respond: (socket: Socket, beginning: Buffer) => void,
): Promise<ProviderStandIn> {
  const server = createTcpServer((socket) => {
    socket.once("data", (beginning) => respond(socket, beginning));
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
