import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint } from "jose";
import { acmeCertificate, otherCertificate } from "../support/client-certificates.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { localhostCertificate } from "../support/localhost-certificate.ts";
import { startVerifyingServer, type VerifyingServer } from "../support/verifying-server.ts";

const clientKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = clientKey.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const otherPem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const dpopJwk = {
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
};

let directory: string;
let server: VerifyingServer;
let service: LocalService;
const fileOf = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "client-authentication-"));
  server = await startVerifyingServer({
    requireDpopNonce: true,
    clients: [
      {
        client_id: "signing",
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "PS256",
        jwks: { keys: [{ ...clientKey.publicKey.export({ format: "jwk" }), kid: "key-1" }] },
        dpop_bound_access_tokens: true,
      },
      {
        client_id: "showing",
        token_endpoint_auth_method: "tls_client_auth",
        tls_client_auth_subject_dn: "CN=acme",
      },
      {
        client_id: "public",
        token_endpoint_auth_method: "none",
        dpop_bound_access_tokens: true,
      },
    ],
  });
  service = await startLocalService({
    NODE_EXTRA_CA_CERTS: fileOf("authority.pem", localhostCertificate.cert),
  });
});
afterAll(async () => {
  await service.stop();
  await server.close();
  rmSync(directory, { recursive: true });
});

async function connect(id: string, integration: string, tokens: string): Promise<void> {
  await service.admin(
    `connections put ${id} --workspace wsp_demo --integration ${integration}`,
    tokens,
  );
}

/** The second refresh sends the tokens that the first one has stored. */
async function refreshTwice(id: string): Promise<void> {
  for (let times = 1; times <= 2; times++) {
    expect(await service.refreshAgain(id)).toMatchObject({
      status: 200,
      body: { status: "success", connection_id: id },
    });
  }
}

test("private_key_jwt at an issuer, with tokens that are bound to a key of the service", async () => {
  const put = (integration: string, options: string, key: string) =>
    service.admin(
      `integrations put ${integration} --issuer ${server.issuer} --client-id signing ` +
        `--auth private_key_jwt --signing-alg PS256 ${options}`,
      key,
    );
  const output = await put("signing", "--key-id key-1 --dpop", pem);
  expect(output).toMatch(/signing_alg +PS256\nprivate_key +\[redacted\]\nprivate_key_id +key-1\n/);
  expect(output).toMatch(/dpop_alg +ES256\n/);
  await connect("conn_signing", "signing", await server.mintRefreshToken("signing"));
  await refreshTwice("conn_signing");

  await put("wrong_key", "--dpop", otherPem);
  await connect("conn_wrong_key", "wrong_key", await server.mintRefreshToken("signing"));
  expect(await service.refresh("conn_wrong_key")).toMatchObject({
    status: 502,
    body: { code: "client_rejected" },
  });
});

test("tls_client_auth with a certificate from files", async () => {
  const put = (certificate: string, key: string) =>
    service.admin(
      `integrations put showing --issuer ${server.issuer} --client-id showing --auth tls_client_auth ` +
        `--certificate ${fileOf("certificate.pem", certificate)} --certificate-key ${fileOf("key.pem", key)}`,
    );
  const output = await put(acmeCertificate.certificate, acmeCertificate.privateKey);
  expect(output).toMatch(/certificate_ends_at +2120-01-01T00:00:00Z\n/);
  await connect("conn_showing", "showing", await server.mintRefreshToken("showing"));
  await refreshTwice("conn_showing");
  await expect(put(acmeCertificate.certificate, otherCertificate.privateKey)).rejects.toThrow(
    "tls_client_private_key: is not the key of the first certificate",
  );
});

test("a public client with tokens that are bound to its own key", async () => {
  await service.admin(
    `integrations put public --issuer ${server.issuer} --client-id public --auth none`,
  );
  const refresh_token = await server.mintRefreshToken(
    "public",
    await calculateJwkThumbprint(dpopJwk),
  );
  await connect("conn_public", "public", JSON.stringify({ refresh_token, dpop_jwk: dpopJwk }));
  await refreshTwice("conn_public");
});

test.each([
  ["--auth private_key_jwt --token-endpoint https://a.example/", "hunter2", "is not a private key"],
  ["--auth private_key_jwt --token-endpoint https://a.example/", "{hunter2", "nor valid JSON"],
  [
    "--auth private_key_jwt --token-endpoint https://a.example/",
    "\n",
    "stdin holds no private key",
  ],
  ["--auth tls_client_auth --token-endpoint https://a.example/", "", "tls_client_certificate: req"],
  ["--auth none --certificate /absent --issuer https://a.example", "", "file of --certificate can"],
  ["--auth none --issuer https://a.example?b", "", "issuer: expected an http or https URL"],
  ["--auth none", "", "token_endpoint: required, or issuer"],
])(
  "integrations put %s with %j on stdin fails, and does not repeat its input",
  async (options, stdin, fault) => {
    const failed = service.admin(`integrations put wrong --client-id c ${options}`, stdin);
    const output = await failed.then(String, ({ message }: Error) => message);
    expect(output).toContain(fault);
    expect(output).not.toContain("hunter2");
  },
  30_000,
);

test("no output holds a key", async () => {
  const shown = await service.admin("integrations show signing --json");
  const listed = await service.admin("integrations list --json");
  const secrets = [...pem.split("\n").slice(1, -2), dpopJwk.d ?? ""];
  for (const secret of secrets) {
    for (const text of [shown, listed, service.output()]) expect(text).not.toContain(secret);
  }
});
