import { parseClientRegistration } from "../../../functions/adapters/client-registration/client-registration.ts";
import {
  catalogue,
  registeredProvider,
} from "../../../functions/adapters/client-registration/registered-provider.ts";
import { secretMembersOf } from "../../../functions/adapters/provider-catalogue/provider-fields.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import { MisconfiguredRegistration } from "../../../functions/domain/model/errors.ts";

const parse = (members: Readonly<Record<string, unknown>>) => {
  const json = JSON.stringify({ client_id: "c", client_secret: "s", ...members });
  return parseClientRegistration("integrations/acme" as RegistrationName, "1", json);
};
const custom = { token_endpoint: "https://provider.example/token" };

const faultsOf = (members: Readonly<Record<string, unknown>>): string => {
  try {
    parse(members);
    return "no fault";
  } catch (error) {
    expect(error).toBeInstanceOf(MisconfiguredRegistration);
    return (error as Error).message;
  }
};

describe("a registration names a provider", () => {
  test("and has the fields of its catalogue entry", () => {
    const registration = parse({ provider: "google" });
    expect(registration).toMatchObject({
      tokenEndpoint: "https://oauth2.googleapis.com/token",
      tokenEndpointAuthMethod: "client_secret_post",
      refreshTokenIdleSeconds: 180 * 86_400,
      renewsWithAccessToken: false,
    });
    expect(registeredProvider(registration)).toMatchObject({
      entryName: "google",
      rotation: "never",
    });
    expect(registeredProvider(registration)).not.toHaveProperty("title");
  });

  test("and is a public client without a secret", () => {
    const registration = parse({ provider: "google", client_secret: undefined });
    expect(registration.tokenEndpointAuthMethod).toBe("none");
  });

  test("whose access token is exchanged for a new one", () => {
    expect(parse({ provider: "facebook" }).renewsWithAccessToken).toBe(true);
  });

  test("that the catalogue does not have: similar names are suggested, and the given one is not shown", () => {
    expect(faultsOf({ provider: "gogle" })).toBe(
      "Client registration integrations/acme: provider: the catalogue has no entry of this name; similar names: google.",
    );
    for (const provider of ["", "constructor", "zzzzzz", 7, null]) {
      expect(faultsOf({ provider })).toBe(
        "Client registration integrations/acme: provider: the catalogue has no entry of this name.",
      );
    }
  });
});

describe("tokens move among a provider's origins", () => {
  const originsOf = (members: object) => parse({ provider: "zoho", ...members }).providerOrigins;

  test("at the endpoint that the catalogue has", () => {
    expect(originsOf({})?.origins).toContain("https://accounts.zoho.eu");
    expect(originsOf({ rotation: "always" })).toEqual(originsOf({}));
  });
  test.each([
    { token_endpoint: "https://accounts.zoho.com/oauth/v2/token" },
    { refresh_endpoint: "https://accounts.zoho.com/oauth/v2/token" },
    { variables: { host: { choices: ["accounts.zoho.com"] } } },
  ])("and at none that the secret makes: %j", (members) => {
    expect(originsOf(members)).toBeUndefined();
  });
  test("and at none that is not in the catalogue", () => {
    expect(parse(custom).providerOrigins).toBeUndefined();
  });
  test("to which no secret adds any", () => {
    const more = { origins: ["https://attacker.example"], origins_below: "example" };
    expect(originsOf(more)).toEqual(originsOf({}));
  });
});

describe("a registration replaces fields of the catalogue entry", () => {
  test("each field as a whole, and with null by the default of RFC 6749", () => {
    const registration = parse({
      provider: "google",
      rotation: "always",
      rotation_grace_seconds: 30,
      refresh_token_idle_seconds: null,
      refresh_token_absolute_seconds: 1_000,
      minimum_refresh_interval_seconds: 60,
      max_per_minute: 5,
      max_concurrent: 2,
      access_token_lifetime_seconds: null,
      token_endpoint_auth_method: "client_secret_basic",
    });
    expect(registration).toMatchObject({
      tokenEndpointAuthMethod: "client_secret_basic",
      refreshTokenIdleSeconds: undefined,
      refreshTokenAbsoluteSeconds: 1_000,
      minimumRefreshIntervalSeconds: 60,
      maxPerMinute: 5,
      maxConcurrent: 2,
    });
    expect(registeredProvider(registration)).toMatchObject({
      rotation: "always",
      rotationGraceSeconds: 30,
    });
    expect(registeredProvider(registration)).not.toHaveProperty("accessTokenLifetimeSeconds");
  });

  test("the endpoint, both for codes and for refreshing", () => {
    expect(parse({ provider: "google", ...custom }).tokenEndpoint).toBe(custom.token_endpoint);
    const refresh_endpoint = "https://provider.example/refresh";
    expect(parse({ provider: "google", refresh_endpoint }).tokenEndpoint).toBe(refresh_endpoint);
  });

  test("keepalive takes the idle time from the catalogue", () => {
    expect(parse({ provider: "google", refresh_policy: "keepalive" }).refreshPolicy).toBe(
      "keepalive",
    );
  });

  test.each(Object.entries(catalogue))(
    "a registration can state all fields of %s",
    (name, entry) => {
      const { title, source, verified, note, ...members } = secretMembersOf(entry);
      const { entryName, ...fromCatalogue } = registeredProvider(parse({ provider: name }));
      expect(registeredProvider(parse(members))).toEqual(fromCatalogue);
    },
  );
});

test.each<[string, unknown, string]>([
  ["method", "PUT", "method: expected one of GET, POST"],
  ["parameters_in", "xml", "parameters_in: expected one of form, json, query"],
  ["renews_with", "code", "renews_with: expected one of refresh_token, access_token"],
  ["grant_type", "", "grant_type: expected printable ASCII characters"],
  ["grant_type", 7, "grant_type: expected a string"],
  ["token_parameter", "a b", "token_parameter: expected 1 to 128 printable ASCII characters"],
  ["parameters", [], "parameters: expected an object"],
  ["parameters", { "a b": "x" }, "parameters: has a name that is not allowed"],
  ["parameters", { a: ["x"] }, "parameters.a: expected an object"],
  ["parameters", { a: {} }, "parameters.a.from: required"],
  [
    "parameters",
    { a: { from: "x", to: "y" } },
    "parameters.a: expected no members but from, required",
  ],
  ["headers", { Host: "evil" }, "headers: has a name that is not allowed"],
  ["headers", { "content-length": "1" }, "headers: has a name that is not allowed"],
  ["headers", { authorization: "x" }, "headers: has a name that is not allowed"],
  ["headers", { "X-A": "a\r\nb: c" }, "headers.X-A: expected printable ASCII characters"],
  ["basic_credentials", "plain", "basic_credentials: expected one of form, raw"],
  ["tokens_at", 1, "tokens_at: expected a string"],
  ["access_token_member", "a.b", "access_token_member: expected the name of a member"],
  ["scope_separator", ",", "scope_separator: expected one of space, comma"],
  ["access_token_end", { as: "days" }, "access_token_end.as: expected one of"],
  ["access_token_end", {}, "access_token_end.as: required"],
  ["access_token_end", { as: "seconds" }, "access_token_end.member: required"],
  [
    "access_token_end",
    { as: "never", member: "x" },
    "access_token_end.member: is not used with never",
  ],
  ["access_token_end", { as: "fixed" }, "access_token_lifetime_seconds: required by"],
  ["success_statuses", [], "success_statuses: expected a list with at least one item"],
  ["success_statuses", [200, 99], "success_statuses.1: expected an HTTP status"],
  ["failure_flag", { at: "ok" }, "failure_flag.is: required"],
  ["failure_flag", { at: "ok", is: null }, "failure_flag.is: expected a string, a number"],
  ["errors", [{ means: "fatal", error: "x" }], "errors.0.means: expected one of"],
  ["errors", [{ error: "x" }], "errors.0.means: required"],
  ["errors", Array(33).fill({ means: "dead", error: "x" }), "errors: expected at most 32 rules"],
  ["errors", [{ means: "dead", status: [400] }], "errors.0: expected an error, a text"],
  ["errors", [{ means: "transient" }], "errors.0: expected a status, an error, a text"],
  [
    "errors",
    [{ means: "dead", error: "x", retry_after_seconds: 1 }],
    "errors.0.retry_after_seconds: is not used with dead",
  ],
  [
    "errors",
    [{ means: "client_rejected", error: "x", concerns: "connection" }],
    "errors.0.concerns: is not used with client_rejected",
  ],
  [
    "errors",
    [{ means: "transient", error: "x", concerns: "all" }],
    "errors.0.concerns: expected one of",
  ],
  [
    "errors",
    [{ means: "dead", text_pattern: "(" }],
    "errors.0.text_pattern: expected a regular expression",
  ],
  ["rotation", "often", "rotation: expected one of always, sometimes, never, setting"],
  ["max_per_minute", 0, "max_per_minute: expected a whole number above 0"],
  ["max_concurrent", 1.5, "max_concurrent: expected a whole number above 0"],
  ["variables", { "a-b": {} }, "variables: has a name that is not allowed"],
  ["variables", { a: {} }, "variables.a: expected either choices, or a pattern and an example"],
  ["variables", { a: { choices: ["a/b"] } }, "variables.a.choices.0: expected 1 to 128 of"],
  ["variables", { a: { choices: ["a"], default: "b" } }, "variables.a.default: expected one of"],
  [
    "variables",
    { a: { pattern: "a", example: "a" } },
    "variables.a.pattern: expected ^ at its beginning",
  ],
  [
    "variables",
    { a: { pattern: "^a$", example: "b" } },
    "variables.a.example: expected a value that fits",
  ],
  ["config", "x", "config: expected an object"],
  ["config", { a: 1 }, "config.a: expected a string"],
  ["scope", "é", "scope: expected printable ASCII characters"],
  ["refresh_endpoint", "ftp://x", "refresh_endpoint: expected an http or https URL"],
])("%s %j is a fault: %s", (member, value, fault) => {
  expect(faultsOf({ ...custom, [member]: value })).toContain(`integrations/acme: ${fault}`);
});

test("the error names every member at fault, and shows no value", () => {
  const fault = faultsOf({ method: "canary", rotation: "canary", headers: { host: "canary" } });
  for (const name of ["method", "rotation", "headers", "token_endpoint"]) {
    expect(fault).toContain(`${name}: `);
  }
  expect(fault).not.toContain("canary");
});
