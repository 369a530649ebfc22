import { createHook } from "node:async_hooks";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { deadlineIn } from "../../../functions/adapters/http/deadline.ts";
import type { HttpExchange } from "../../../functions/adapters/http/exchange.ts";
import {
  defaultMaximumBodyBytes,
  httpTransport,
} from "../../../functions/adapters/http/transport.ts";

/*
 * One response must not hurt a neighbour: the work that it can cause is bounded. It is measured in bytes that
 * the server got rid of and in turns that the event loop still took, and not in time.
 */

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
});

async function serve(respond: (socket: Socket) => void): Promise<URL> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => respond(socket));
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/token`);
}

interface Measured {
  readonly exchange: HttpExchange;
  /** Turns of the event loop that a neighbour got while the response was read. */
  readonly turns: number;
  /** Bytes that the server wrote before the client was gone. */
  readonly bytesWritten: number;
}

async function exchange(respond: (socket: Socket) => void, timeoutMs = 30_000): Promise<Measured> {
  const url = await serve(respond);
  const transport = httpTransport({
    clock: { nowMs: () => Date.now() },
    lookup: async () => [{ address: "127.0.0.1", family: 4 }],
    addresses: "public_or_loopback",
  });
  const deadline = deadlineIn(timeoutMs);
  let turns = 0;
  let isDone = false;
  const neighbour = (): void => {
    turns++;
    if (!isDone) setImmediate(neighbour);
  };
  setImmediate(neighbour);
  try {
    const request = { url, method: "POST", headers: {}, body: "a=b" } as const;
    const ended = await transport({
      ...request,
      deadline,
      maySend: () => true,
    });
    const bytesWritten = [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0);
    return { exchange: ended, turns, bytesWritten };
  } finally {
    isDone = true;
    deadline.clear();
  }
}

const head = (...headers: string[]): string =>
  ["HTTP/1.1 200 OK", "Content-Type: application/json", ...headers, "", ""].join("\r\n");
const tokens = '{"access_token":"at-1","refresh_token":"rt-1",';

/** Writes for as long as the client reads. */
function pour(socket: Socket, piece: Buffer | string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once("drain", more);
  };
  more();
}

/** More than the limit and what kernel and streams hold on the way. */
const buffered = 32 * 1024 * 1024;

const partialOf = ({ exchange: ended }: Measured): string =>
  "partial" in ended ? Buffer.from(ended.partial?.body ?? []).toString() : "";

test("chunks of one byte, a little more than may be read: the front is kept, reading stops once", async () => {
  const chunk = Buffer.from("1\r\nx\r\n".repeat(10_000));
  const measured = await exchange((socket) => {
    socket.write(head("Transfer-Encoding: chunked"));
    for (const byte of tokens) socket.write(`1\r\n${byte}\r\n`);
    pour(socket, chunk);
  });
  expect(measured.exchange.kind).toBe("too_large");
  expect(partialOf(measured).startsWith(tokens)).toBe(true);
  expect(measured.turns).toBeGreaterThan(1);
  expect(measured.bytesWritten).toBeLessThan(buffered);
});

test("large chunks beyond the limit: memory is bounded by it, and the tokens at the front are kept", async () => {
  const measured = await exchange((socket) => {
    socket.write(head());
    socket.write(tokens);
    pour(socket, Buffer.alloc(256 * 1024, "x"));
  });
  expect(measured.exchange.kind).toBe("too_large");
  expect(partialOf(measured)).toHaveLength(defaultMaximumBodyBytes);
  expect(partialOf(measured).startsWith(tokens)).toBe(true);
  expect(measured.bytesWritten).toBeLessThan(buffered);
});

test("eleven thousand codings around a bomb: none is undone", async () => {
  const bomb = gzipSync(Buffer.alloc(700 * 1024));
  const codings = Array(11_000).fill("gzip").join();
  const measured = await exchange((socket) => {
    socket.end(
      Buffer.concat([
        Buffer.from(head(`Content-Encoding: ${codings}`, `Content-Length: ${bomb.length}`)),
        bomb,
      ]),
    );
  });
  expect(measured.exchange).toMatchObject({ kind: "response", response: { status: 200 } });
  const { exchange: ended } = measured;
  expect(ended.kind === "response" && Buffer.from(ended.response.body)).toEqual(bomb);
});

test("a bomb in one coding: decoded up to the limit, on a thread of its own", async () => {
  const bomb = gzipSync(Buffer.concat([Buffer.from(tokens), Buffer.alloc(64 * 1024 * 1024)]), {
    level: 9,
  });
  const measured = await exchange((socket) => {
    const headers = head("Content-Encoding: gzip", `Content-Length: ${bomb.length}`);
    socket.end(Buffer.concat([Buffer.from(headers), bomb]));
  });
  expect(measured.exchange.kind).toBe("too_large");
  expect(partialOf(measured)).toHaveLength(defaultMaximumBodyBytes);
  expect(partialOf(measured).startsWith(tokens)).toBe(true);
});

/** The zlib and brotli decoders that are put to work from the call on. */
function countDecoders(): () => number {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === "ZLIB") count++;
    },
  }).enable();
  return () => {
    hook.disable();
    return count;
  };
}

const coded = (coding: string, body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(head(`Content-Encoding: ${coding}`, `Content-Length: ${body.length}`)),
    body,
  ]);

test.each<[string, (body: Buffer) => Buffer]>([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
])("a %s bomb is decoded twice at the most", async (coding, compress) => {
  const bomb = compress(Buffer.concat([Buffer.from(tokens), Buffer.alloc(20_000_000)]));
  const decoders = countDecoders();
  const measured = await exchange((socket) => socket.end(coded(coding, bomb)));
  expect(measured.exchange.kind).toBe("too_large");
  expect(decoders()).toBeLessThanOrEqual(2);
});

test("other work has its turn while a body is decoded", async () => {
  const message = coded("gzip", gzipSync(Buffer.alloc(defaultMaximumBodyBytes, "x")));
  let turns = 0;
  let isOver = false;
  const countTurns = (): void => {
    turns++;
    if (!isOver) setImmediate(countTurns);
  };
  const { exchange: ended } = await exchange((socket) => socket.end(message, countTurns));
  isOver = true;
  expect(ended.kind).toBe("response");
  // One for each 16 KiB that were decoded.
  expect(turns).toBeGreaterThan(40);
});

test("a coded body that stops before its end: what came before the deadline is decoded", async () => {
  const message = coded("gzip", gzipSync(`${tokens}"junk":"${"x".repeat(50)}"}`));
  const measured = await exchange((socket) => socket.write(message.subarray(0, -9)), 300);
  expect(measured.exchange.kind).toBe("timed_out");
  expect(partialOf(measured).startsWith(tokens)).toBe(true);
});

test("chunk extensions without end: reading stops at a limit", async () => {
  const measured = await exchange((socket) => {
    socket.write(head("Transfer-Encoding: chunked"));
    pour(socket, `1;${"e".repeat(10_000)}\r\nx\r\n`);
  });
  expect(measured.exchange.kind).toBe("too_large");
  expect(measured.bytesWritten).toBeLessThan(buffered);
});

test("informational responses without end: they end the exchange, and nothing is kept of them", async () => {
  const { exchange: ended } = await exchange((socket) =>
    pour(socket, "HTTP/1.1 102 Processing\r\nX-Filler: 0123456789\r\n\r\n".repeat(1_000)),
  );
  expect(ended).toEqual({
    kind: "broken_off",
    reason: "more than 100 informational responses",
    partial: undefined,
  });
});

test("one informational response a moment, for ever: the deadline ends it", async () => {
  const { exchange: ended } = await exchange((socket) => {
    const drip = setInterval(() => socket.write("HTTP/1.1 102 Processing\r\n\r\n"), 20);
    socket.on("close", () => clearInterval(drip));
  }, 300);
  expect(ended).toEqual({ kind: "timed_out", partial: undefined });
});

test("a body that drips and never ends: the deadline ends it, and the tokens that came are kept", async () => {
  const measured = await exchange((socket) => {
    socket.write(head());
    socket.write(tokens);
    const drip = setInterval(() => socket.write(" "), 20);
    socket.on("close", () => clearInterval(drip));
  }, 300);
  expect(measured.exchange.kind).toBe("timed_out");
  expect(partialOf(measured).startsWith(tokens)).toBe(true);
});

test("headers without end: the connection is given up at the limit", async () => {
  const { exchange: ended } = await exchange((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    pour(socket, "X-Filler: 0123456789abcdef\r\n".repeat(1_000));
  });
  expect(ended).toMatchObject({ kind: "broken_off", partial: undefined });
});
