import { generateKeyPairSync } from "node:crypto";
import { refreshTokenRequest } from "../../../../functions/adapters/token-endpoint/request/refresh-token-request.ts";
import { MisconfiguredRegistration } from "../../../../functions/domain/model/errors.ts";
import { Secret } from "../../../../functions/domain/model/secret.ts";
import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  clientAuthenticationMethods,
  type SigningKey,
  type TlsCredentials,
} from "../../../../functions/domain/ports/client-registration.ts";
import { acmeCertificate } from "../../../support/client-certificates.ts";
import { clientRegistration } from "../../../support/token-requests.ts";

const registrationOf = (
  tokenEndpointAuthMethod: ClientAuthenticationMethod,
  clientSecret: string | undefined = "s-3_c.r~e+t/=: é%",
): ClientRegistration =>
  clientRegistration({
    clientId: "client-1_a.b",
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    tokenEndpointAuthMethod,
    tokenEndpoint: "https://example.com/token",
  });

const signingKey: SigningKey = {
  algorithm: "EdDSA",
  keyId: "key-1",
  privateKey: new Secret(
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  ),
};
const tlsCredentials: TlsCredentials = {
  certificateChain: acmeCertificate.certificate,
  privateKey: new Secret(acmeCertificate.privateKey),
  validFromMs: 0,
  validToMs: Number.MAX_SAFE_INTEGER,
};

const write = (registration: ClientRegistration) =>
  refreshTokenRequest(
    { registration, refreshToken: new Secret("refresh+token/1=&") },
    new URL("https://example.com/token"),
    { audience: "https://example.com", nowMs: Date.UTC(2026, 0, 1) },
  );

const grant = { grant_type: "refresh_token", refresh_token: "refresh+token/1=&" };

test("every request asks for JSON and says who asks", async () => {
  for (const method of clientAuthenticationMethods) {
    const { headers, body } = await write({
      ...registrationOf(method),
      signingKey,
      tlsCredentials,
    });
    expect(headers).toMatchObject({
      accept: "application/json",
      "content-type": expect.stringMatching(/^application\/x-www-form-urlencoded/),
      "user-agent": "oauth-token-refresh",
    });
    expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject(grant);
  }
});

test("client_secret_basic: form-encoded, and plain where that makes no difference", async () => {
  const { headers, body } = await write(registrationOf("client_secret_basic"));
  const credentials = atob(headers.authorization?.replace("Basic ", "") ?? "");
  expect(credentials).toBe("client-1_a.b:s-3_c.r~e%2Bt%2F%3D%3A%20%C3%A9%25");
  const [id, secret] = credentials
    .split(":")
    .map((part) => new URLSearchParams(`v=${part}`).get("v"));
  expect([id, secret]).toEqual(["client-1_a.b", "s-3_c.r~e+t/=: é%"]);
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual(grant);
});

test("client_secret_post: id and secret in the body", async () => {
  const { headers, body } = await write(registrationOf("client_secret_post"));
  expect(headers).not.toHaveProperty("authorization");
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
    ...grant,
    client_id: "client-1_a.b",
    client_secret: "s-3_c.r~e+t/=: é%",
  });
});

test("none: the id in the body, and no secret although there is one", async () => {
  const { headers, body } = await write(registrationOf("none"));
  expect(headers).not.toHaveProperty("authorization");
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
    ...grant,
    client_id: "client-1_a.b",
  });
});

describe("an assertion", () => {
  const assertionOf = async (registration: ClientRegistration) => {
    const form = new URLSearchParams((await write(registration)).body);
    const [header, payload] = (form.get("client_assertion") ?? "").split(".").slice(0, 2);
    const parse = (part = "") => JSON.parse(Buffer.from(part, "base64url").toString());
    return { form, header: parse(header), payload: parse(payload) };
  };
  const signing = () => ({ ...registrationOf("private_key_jwt"), signingKey });

  test("says who, to whom, and for a minute, RFC 7523 §3; the secret is not in the form", async () => {
    for (const registration of [signing(), registrationOf("client_secret_jwt")]) {
      const { form, payload } = await assertionOf(registration);
      expect(payload).toEqual({
        iss: "client-1_a.b",
        sub: "client-1_a.b",
        aud: "https://example.com",
        iat: Date.UTC(2026, 0, 1) / 1000,
        nbf: Date.UTC(2026, 0, 1) / 1000,
        exp: Date.UTC(2026, 0, 1) / 1000 + 60,
        jti: expect.stringMatching(/^.{16,}$/),
      });
      expect(Object.fromEntries(form)).toEqual({
        ...grant,
        client_id: "client-1_a.b",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: expect.any(String),
      });
    }
  });

  test("names algorithm and key", async () => {
    expect((await assertionOf(signing())).header).toEqual({ alg: "EdDSA", kid: "key-1" });
    const unnamed = { ...signing(), signingKey: { ...signingKey, keyId: undefined } };
    expect((await assertionOf(unnamed)).header).toEqual({ alg: "EdDSA" });
    expect((await assertionOf(registrationOf("client_secret_jwt"))).header).toEqual({
      alg: "HS256",
    });
  });

  test("is never the same twice: servers turn away a jti that they have seen", async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await assertionOf(signing())).payload.jti),
    );
    expect(new Set(ids).size).toBe(20);
  });
});

test("without the key or the certificate that the method needs: the registration is at fault", async () => {
  await expect(write(registrationOf("private_key_jwt"))).rejects.toThrow(
    new MisconfiguredRegistration("private_key_jwt needs a private_key"),
  );
  for (const method of ["tls_client_auth", "self_signed_tls_client_auth"] as const) {
    await expect(write(registrationOf(method))).rejects.toThrow(
      new MisconfiguredRegistration(`${method} needs a tls_client_certificate`),
    );
  }
});

test.each(["client_secret_basic", "client_secret_post", "client_secret_jwt"] as const)(
  "%s without a secret: the registration is at fault",
  async (method) => {
    for (const secret of [undefined, ""]) {
      const registration = { ...registrationOf(method, secret) };
      const withoutSecret = secret === undefined ? { clientSecret: undefined } : {};
      await expect(write({ ...registration, ...withoutSecret })).rejects.toThrow(
        new MisconfiguredRegistration(`${method} needs a client_secret`),
      );
    }
  },
);

test("an unknown method: the registration is at fault", async () => {
  const method = "attest_jwt_client_auth" as string as ClientAuthenticationMethod;
  await expect(write(registrationOf(method))).rejects.toThrow(MisconfiguredRegistration);
});
