import { providers } from "../../../functions/adapters/provider-catalogue/catalogue.ts";
import { providersA } from "../../../functions/adapters/provider-catalogue/entries/a.ts";
import { providersBToC } from "../../../functions/adapters/provider-catalogue/entries/b-c.ts";
import { providersDToE } from "../../../functions/adapters/provider-catalogue/entries/d-e.ts";
import { providersF } from "../../../functions/adapters/provider-catalogue/entries/f.ts";
import { providersGToH } from "../../../functions/adapters/provider-catalogue/entries/g-h.ts";
import { providersIToL } from "../../../functions/adapters/provider-catalogue/entries/i-l.ts";
import { providersM } from "../../../functions/adapters/provider-catalogue/entries/m.ts";
import { providersNToO } from "../../../functions/adapters/provider-catalogue/entries/n-o.ts";
import { providersPToR } from "../../../functions/adapters/provider-catalogue/entries/p-r.ts";
import { providersS } from "../../../functions/adapters/provider-catalogue/entries/s.ts";
import { providersTToU } from "../../../functions/adapters/provider-catalogue/entries/t-u.ts";
import { providersWToZ } from "../../../functions/adapters/provider-catalogue/entries/w-z.ts";
import type {
  ProviderEntry,
  UrlVariable,
} from "../../../functions/adapters/provider-catalogue/provider-entry.ts";
import {
  setByRegistration,
  tokenEndpointUrl,
} from "../../../functions/adapters/token-endpoint/endpoint-url.ts";
import { MisconfiguredRegistration } from "../../../functions/domain/model/errors.ts";

const entries: [string, ProviderEntry][] = Object.entries(providers);
const endpointsOf = ({ tokenEndpoint, refreshEndpoint }: ProviderEntry): string[] =>
  [tokenEndpoint, refreshEndpoint].filter((endpoint) => endpoint !== undefined);
const variablesOf = ({ variables = {} }: ProviderEntry): [string, UrlVariable][] =>
  Object.entries(variables);

test("names are lower case, and in order", () => {
  const names = entries.map(([name]) => name);
  expect(names).toEqual([...names].sort());
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/);
});

test.each([
  ["a", providersA],
  ["b-c", providersBToC],
  ["d-e", providersDToE],
  ["f", providersF],
  ["g-h", providersGToH],
  ["i-l", providersIToL],
  ["m", providersM],
  ["n-o", providersNToO],
  ["p-r", providersPToR],
  ["s", providersS],
  ["t-u", providersTToU],
  ["w-z", providersWToZ],
])(
  "%s holds the names with these first letters",
  (letters, some: Readonly<Record<string, ProviderEntry>>) => {
    for (const name of Object.keys(some)) expect(name).toMatch(new RegExp(`^[${letters}]`));
  },
);

describe.each(entries)("%s", (_name, entry) => {
  test("has https endpoints and sources", () => {
    for (const text of [...endpointsOf(entry), ...entry.source]) {
      expect(URL.parse(text.replaceAll(/\{\w+\}/g, "x"))?.protocol).toBe("https:");
    }
    expect(new Set(entry.source).size).toBe(entry.source.length);
  });

  test("declares the variables that its endpoints have, and no others", () => {
    const used = endpointsOf(entry).flatMap((endpoint) =>
      Array.from(endpoint.matchAll(/\{(\w+)\}/g), ([, name]) => name),
    );
    expect(variablesOf(entry).map(([name]) => name)).toEqual([...new Set(used)]);
  });

  test("has a whole pattern or choices for each variable", () => {
    for (const [, variable] of variablesOf(entry)) {
      if ("choices" in variable) {
        expect(new Set(variable.choices).size).toBe(variable.choices.length);
        if (variable.default !== undefined) expect(variable.choices).toContain(variable.default);
        continue;
      }
      expect(variable.pattern).toMatch(/^\^.*\$$/);
      const pattern = new RegExp(variable.pattern);
      for (const value of [variable.example, variable.default ?? variable.example]) {
        expect(value).toMatch(pattern);
      }
      for (const value of [
        "",
        "a/b",
        "a?b",
        "a#b",
        "a@b",
        "a b",
        "../a",
        `${variable.example}\n`,
      ]) {
        expect(value).not.toMatch(pattern);
      }
    }
  });

  test("has endpoints that a connection can fill, and that stay on the provider's domain", () => {
    const sampleOf = (variable: UrlVariable): string =>
      "choices" in variable ? variable.choices[0] : variable.example;
    const byOwner = (setByIntegration: boolean, change: (sample: string) => string) =>
      Object.fromEntries(
        variablesOf(entry)
          .filter(([, variable]) => setByRegistration(variable) === setByIntegration)
          .map(([name, variable]) => [name, change(sampleOf(variable))]),
      );
    const fill = (template: string, change: (sample: string) => string) =>
      tokenEndpointUrl({
        ...{ template, variables: entry.variables ?? {}, allowLoopback: false },
        config: byOwner(false, change),
        registrationConfig: byOwner(true, (sample) => sample),
      });
    for (const template of endpointsOf(entry)) {
      const { host } = fill(template, (sample) => sample);
      expect(host).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/);
      if (Object.keys(byOwner(false, String)).length === 0) continue;
      for (const hostile of ["evil.example/", "evil.example#", "@evil.example", "..", ""]) {
        expect(() => fill(template, () => hostile)).toThrow(MisconfiguredRegistration);
      }
    }
  });

  test("has rules that compile, and a lifetime where it needs one", () => {
    for (const { textPattern } of entry.errors ?? []) new RegExp(textPattern ?? "");
    if (entry.accessTokenEnd?.as === "fixed") {
      expect(entry.accessTokenLifetimeSeconds).toBeGreaterThan(0);
    }
  });

  test("notes where its facts come from when not all come from the vendor", () => {
    if (entry.verified === "secondary") expect(entry.note).toBeDefined();
  });
});
