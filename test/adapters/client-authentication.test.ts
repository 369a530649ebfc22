import { refreshTokenRequest } from "../../functions/adapters/refresh-token-request.ts";
import type { RegistrationName } from "../../functions/domain/connection.ts";
import { MisconfiguredRegistration } from "../../functions/domain/errors.ts";
import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  clientAuthenticationMethods,
} from "../../functions/domain/ports.ts";
import { Secret } from "../../functions/domain/secret.ts";

const registrationOf = (
  tokenEndpointAuthMethod: ClientAuthenticationMethod,
  clientSecret: string | undefined = "s-3_c.r~e+t/=: é%",
): ClientRegistration => ({
  name: "integrations/acme" as RegistrationName,
  version: "1",
  clientId: "client-1_a.b",
  clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
  tokenEndpointAuthMethod,
  tokenEndpoint: "https://example.com/token",
  refreshPolicy: "proactive",
  refreshTokenIdleSeconds: undefined,
  refreshTokenAbsoluteSeconds: undefined,
  minimumRefreshIntervalSeconds: undefined,
  maxConcurrent: undefined,
  maxPerMinute: undefined,
  renewsWithAccessToken: false,
  provider: {},
});

const write = (registration: ClientRegistration) =>
  refreshTokenRequest(
    { registration, refreshToken: new Secret("refresh+token/1=&") },
    new URL(registration.tokenEndpoint),
  );

const grant = { grant_type: "refresh_token", refresh_token: "refresh+token/1=&" };

test("every request asks for JSON and says who asks", async () => {
  for (const method of clientAuthenticationMethods) {
    const { headers, body } = await write(registrationOf(method));
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
  expect(credentials).toBe("client-1_a.b:s-3_c.r~e%2Bt%2F%3D%3A+%C3%A9%25");
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

test.each(["client_secret_basic", "client_secret_post"] as const)(
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
  const method = "private_key_jwt" as ClientAuthenticationMethod;
  await expect(write(registrationOf(method))).rejects.toThrow(MisconfiguredRegistration);
});
