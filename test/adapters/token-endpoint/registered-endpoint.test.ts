import type { RegisteredProvider } from "../../../functions/adapters/client-registration/registered-provider.ts";
import { registeredOrigin } from "../../../functions/adapters/token-endpoint/registered-endpoint.ts";

const tenant = { pattern: "^[a-z]{1,20}$", example: "acme" } as const;
const originOf = (
  tokenEndpoint: string | undefined,
  config: Record<string, string> = {},
  { issuer, ...provider }: RegisteredProvider & { readonly issuer?: string } = {},
) => registeredOrigin({ tokenEndpoint, issuer, provider }, config, false);

describe("the origin of a token endpoint", () => {
  test("is one for all connections where no connection chooses the host", () => {
    const expected = { origin: "https://acme.example:8443", variesByConnection: false };
    expect(originOf("https://acme.example:8443/token?v=1")).toEqual(expected);
    expect(originOf("https://Acme.example:8443/{tenant}/token", { tenant: "x" })).toEqual(expected);
  });

  test("is one for all connections where the registration chooses the host", () => {
    const host = { pattern: "^[a-z.]{1,20}$", example: "a.example", setBy: "integration" } as const;
    const provider = { variables: { host }, config: { host: "git.acme.example" } };
    expect(originOf("https://{host}/token", {}, provider)).toEqual({
      origin: "https://git.acme.example",
      variesByConnection: false,
    });
  });

  test.each([
    ["a connection states its part of the host", { tenant: "contoso" }],
    ["a connection takes the registration's part of the host", {}],
  ])("may be another for each connection where %s", (_, config) => {
    const provider = { variables: { tenant }, config: { tenant: "contoso" } };
    expect(originOf("https://{tenant}.acme.example/token", config, provider)).toEqual({
      origin: "https://contoso.acme.example",
      variesByConnection: true,
    });
  });

  test("is the issuer's where metadata names the endpoint", () => {
    expect(originOf(undefined, {}, { issuer: "https://id.acme.example/realms/r" })).toEqual({
      origin: "https://id.acme.example",
      variesByConnection: false,
    });
  });

  test("is undefined where nothing may be asked", () => {
    expect(originOf("https://{tenant}.acme.example/token")).toBeUndefined();
    expect(originOf("http://acme.example/token")).toBeUndefined();
    expect(originOf(undefined)).toBeUndefined();
  });
});
