import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { promisify } from "node:util";
import { localhostCertificate } from "../../support/localhost-certificate.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(options: TlsOptions = {}) {
  let received = "";
  const server = createServer({ ...localhostCertificate, ...options }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      received += data;
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
  });
  servers.push(server);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`https://127.0.0.1:${port}/token`), received: () => received };
}

/** The environment is read when a process starts, so the request is sent by a process of its own. */
async function exchange(url: URL, options: string, environment: Record<string, string> = {}) {
  const script = `
    import { deadlineIn } from "./functions/adapters/http/deadline.ts";
    import { httpTransport } from "./functions/adapters/http/transport.ts";
    const transport = httpTransport({
      clock: { nowMs: () => Date.now() },
      lookup: async () => [{ address: "127.0.0.1", family: 4 }],
      addresses: "any",
    });
    const deadline = deadlineIn(30_000);
    const url = new URL(${JSON.stringify(url.href)});
    const request = { url, method: "POST", headers: {}, body: "secret", deadline };
    const { kind, reason } = await transport({ ...request, maySend: () => true });
    console.log(JSON.stringify({ kind, reason }));
    process.exit();`;
  const { PATH } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { env: { PATH, NODE_OPTIONS: options, ...environment } },
  );
  return JSON.parse(stdout);
}

test("NODE_TLS_REJECT_UNAUTHORIZED=0 makes no certificate acceptable", async () => {
  const server = await serve();
  expect(await exchange(server.url, "", { NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toEqual({
    kind: "unreachable",
    reason: "the connection failed with DEPTH_ZERO_SELF_SIGNED_CERT",
  });
  expect(server.received()).toBe("");
});

test("--tls-min-v1.0 does not permit TLS 1.1", async () => {
  const ciphers = "DEFAULT@SECLEVEL=0";
  const server = await serve({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers });
  const directory = mkdtempSync(join(tmpdir(), "authority-"));
  const authority = join(directory, "authority.pem");
  writeFileSync(authority, localhostCertificate.cert);
  const options = `--tls-min-v1.0 --tls-cipher-list=${ciphers}`;
  const environment = { NODE_EXTRA_CA_CERTS: authority };
  expect(await exchange(server.url, options, environment)).toEqual({
    kind: "unreachable",
    reason: "the connection failed with ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  });
  expect(server.received()).toBe("");
  rmSync(directory, { recursive: true });
});
