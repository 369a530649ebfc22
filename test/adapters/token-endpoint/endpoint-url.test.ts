import fc from "fast-check";
import type { UrlVariable } from "../../../functions/adapters/provider-catalogue/provider-entry.ts";
import { tokenEndpointUrl } from "../../../functions/adapters/token-endpoint/endpoint-url.ts";
import { MisconfiguredRegistration } from "../../../functions/domain/model/errors.ts";
import { assertProperty } from "../../support/property.ts";

const expand = (template: string, config: Record<string, string> = {}, allowLoopback = false) =>
  tokenEndpointUrl({ template, config, allowLoopback }).href;

const faultOf = (template: string, config: Record<string, string> = {}, allowLoopback = false) => {
  try {
    return `no fault: ${expand(template, config, allowLoopback)}`;
  } catch (error) {
    expect(error).toBeInstanceOf(MisconfiguredRegistration);
    return (error as Error).message;
  }
};

describe("a template is filled", () => {
  test.each([
    ["https://example.com/token", {}, "https://example.com/token"],
    ["https://example.com:8443/token?v=1", {}, "https://example.com:8443/token?v=1"],
    ["HTTPS://Example.com/token", {}, "https://example.com/token"],
    ["https://{sub}.example.com:444/t", { sub: "acme" }, "https://acme.example.com:444/t"],
    ["https://{sub}.example.com/token", { sub: "Acme-1" }, "https://acme-1.example.com/token"],
    [
      "https://{domain}.auth.{region}.amazoncognito.com/oauth2/token",
      { domain: "acme", region: "eu-west-1" },
      "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/token",
    ],
    [
      "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
      { tenant: "contoso.onmicrosoft.com" },
      "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token",
    ],
    ["https://example.com/{a}/{a}", { a: "A_b-9" }, "https://example.com/A_b-9/A_b-9"],
  ])("%s with %j", (template, config, url) => {
    expect(expand(template, config as Record<string, string>)).toBe(url);
  });
});

describe("where a variable may stand", () => {
  const config = { x: "acme" };
  const wholeLabel = "only as the whole of a label of the host";

  test.each([
    ["part of a label", "https://api-{x}.example.com/token", wholeLabel],
    ["two in a label", "https://{x}{x}.example.com/token", wholeLabel],
    ["the whole host", "https://{x}/token", "at least 2 literal labels"],
    ["the registered domain", "https://api.{x}.com/token", "at least 2 literal labels"],
    ["before one label", "https://{x}.com/token", "at least 2 literal labels"],
    ["before an empty label", "https://{x}.com./token", "at least 2 literal labels"],
    ["before an address", "https://{x}.[::1]/token", "at least 2 literal labels"],
    ["the port", "https://api.example.com:{x}/token", "at least 2 literal labels"],
    ["the user", "https://{x}@example.com/token", "may not hold a user"],
    ["the scheme", "{x}://example.com/token", "has to be https"],
    ["part of a segment", "https://example.com/v{x}/token", "only as the whole of a path segment"],
    ["the query", "https://example.com/token?tenant={x}", "may not have a variable in its query"],
    ["a brace left open", "https://example.com/{x/token", "only as the whole of a path segment"],
    ["a name that is none", "https://example.com/{x y}/token", "may hold neither spaces"],
    ["an empty name", "https://example.com/{}/token", "only as the whole of a path segment"],
  ])("%s: refused", (_where, template, rule) => {
    expect(faultOf(template, config)).toContain(rule);
  });
});

describe("what a value may be", () => {
  test.each([
    "a.b",
    "evil.com/",
    "a/b",
    "a@b",
    "a:1",
    "a#",
    "a?b",
    "a\\b",
    "-a",
    "a-",
    "a_b",
    "",
    " ",
    "a\n",
    "é",
    "%2e",
    "a".repeat(64),
  ])("%j is no label of a host", (sub) => {
    expect(faultOf("https://{sub}.example.com/token", { sub })).toContain(
      "has a variable whose value cannot be a label of the host: sub",
    );
  });

  test.each([
    ".",
    "..",
    "a/b",
    "%2e%2e",
    "a..b",
    ".a",
    "a.",
    "",
    "a?b",
    "a#b",
    "a\\b",
    "a b",
    "a".repeat(129),
  ])("%j is no segment of a path", (tenant) => {
    expect(faultOf("https://example.com/{tenant}/token", { tenant })).toContain(
      "has a variable whose value cannot be a path segment: tenant",
    );
  });

  test("a variable that the config lacks is named, inherited members included", () => {
    for (const name of ["sub", "constructor", "__proto__"]) {
      expect(faultOf(`https://{${name}}.example.com/token`)).toContain(
        `has a variable that the connection's config does not fill: ${name}`,
      );
    }
  });

  test("no config changes more than its own label and its own segment", () => {
    assertProperty(
      "value",
      fc.property(fc.string(), fc.string(), (sub, tenant) => {
        const template = "https://{sub}.example.com:444/{tenant}/token?q=1";
        const message = faultOf(template, { sub, tenant });
        const url = /^no fault: (.*)$/s.exec(message)?.[1];
        if (url === undefined) return;
        const { protocol, host, pathname, search, username, hash } = new URL(url);
        expect({ protocol, search, username, hash }).toEqual({
          protocol: "https:",
          search: "?q=1",
          username: "",
          hash: "",
        });
        expect(host).toBe(`${sub.toLowerCase()}.example.com:444`);
        expect(pathname).toBe(`/${tenant}/token`);
      }),
    );
  });
});

describe("a variable that is declared", () => {
  const declared = (
    variables: Record<string, UrlVariable>,
    config: Record<string, string>,
    registrationConfig: Record<string, string> = {},
    template = "https://{x}.example.com/token",
  ) =>
    tokenEndpointUrl({ template, config, variables, registrationConfig, allowLoopback: false })
      .href;

  test("is no more of the URL than one that is not, however lax its pattern", () => {
    const variables = { x: { pattern: "^.*$", example: "acme" } };
    expect(declared(variables, { x: "acme" })).toBe("https://acme.example.com/token");
    for (const value of ["evil.com/", "a.b", "a@b", "", "a#"]) {
      expect(() => declared(variables, { x: value })).toThrow("cannot be a label of the host");
    }
    const atEnd = () => declared(variables, { x: "com" }, {}, "https://example.{x}/token");
    expect(atEnd).toThrow("at least 2 literal labels");
  });

  test("as choices may stand anywhere, and hold dots", () => {
    const variables = { x: { choices: ["com", "co.uk"] } } as const;
    const template = "https://api.example.{x}/token";
    expect(declared(variables, { x: "co.uk" }, {}, template)).toBe(
      "https://api.example.co.uk/token",
    );
    expect(() => declared(variables, { x: "evil" }, {}, template)).toThrow("does not fit it: x");
  });

  test("is filled by the connection, else the registration, else its default", () => {
    const variables = { x: { pattern: "^[a-z]+$", example: "a", default: "c" } };
    expect(declared(variables, { x: "a" }, { x: "b" })).toBe("https://a.example.com/token");
    expect(declared(variables, {}, { x: "b" })).toBe("https://b.example.com/token");
    expect(declared(variables, {})).toBe("https://c.example.com/token");
  });

  test("of the integration is not for a connection to fill", () => {
    const variables = {
      x: { pattern: "^[a-z.]+$", example: "a.b", setBy: "integration" },
    } as const;
    const template = "https://{x}/token";
    expect(declared(variables, { x: "evil.com" }, { x: "git.example" }, template)).toBe(
      "https://git.example/token",
    );
    expect(() => declared(variables, { x: "evil.com" }, {}, template)).toThrow(
      "a variable that the registration's config does not fill: x",
    );
  });
});

describe("which URLs are refused", () => {
  test.each([
    ["http://example.com/token", "has to be https"],
    ["http://127.0.0.1/token", "has to be https"],
    ["ftp://example.com/token", "has to be https"],
    ["a/https://example.com/token", "is not an absolute URL"],
    ["file:///etc/passwd", "is not an absolute URL"],
    ["https://user:password@example.com/token", "may not hold a user"],
    ["https://user@example.com/token", "may not hold a user"],
    ["https://example.com/token#part", "may not have a fragment"],
    ["https://example.com/token#", "may not have a fragment"],
    ["example.com/token", "is not an absolute URL"],
    ["https:example.com/token", "is not an absolute URL"],
    ["https:///token", "is not an absolute URL"],
    ["https://exa\tmple.com/token", "control"],
    ["https://example.com\\@evil.com/token", "backslashes"],
    ["https://exämple.com/token", "non-ASCII"],
    ["https://example.com:99999/token", "is not a valid URL"],
    ["", "may hold neither"],
  ])("%s", (template, rule) => {
    expect(faultOf(template, { x: "a" })).toContain(rule);
  });

  test("a filled host that a URL parser reads as an address", () => {
    expect(faultOf("https://{x}.0.0.1/token", { x: "0x7f" })).toContain("does not keep its host");
  });

  test.each(["https://u:hunter2@example.com/?k=hunter2", "http://example.com/?k=hunter2"])(
    "the message holds nothing of a query or a password: %s",
    (template) => {
      expect(faultOf(template)).not.toContain("hunter2");
    },
  );

  test("the message does not hold a value", () => {
    expect(faultOf("https://{x}.example.com/", { x: "hunter2." })).not.toContain("hunter2");
  });
});

describe("http", () => {
  test.each([
    "http://127.0.0.1:9000/token",
    "http://127.8.9.1/token",
    "http://0x7f.1/token",
    "http://[::1]:9000/token",
    "http://localhost:9000/token",
  ])("%s: where loopback is allowed", (template) => {
    expect(faultOf(template, {}, true)).toContain("no fault");
    expect(faultOf(template, {}, false)).toContain("has to be https");
  });

  test.each([
    "http://example.com/token",
    "http://127.0.0.1.example.com/token",
    "http://localhost.example.com/token",
    "http://10.0.0.1/token",
    "http://[::ffff:127.0.0.1]/token",
  ])("%s: not even then", (template) => {
    expect(faultOf(template, {}, true)).toContain("has to be https");
  });
});
