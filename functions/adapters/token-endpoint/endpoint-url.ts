import { isIP } from "node:net";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import { linearPattern } from "../provider-catalogue/linear-pattern.ts";
import type { UrlVariable } from "../provider-catalogue/provider-entry.ts";
import { ownValue } from "../provider-catalogue/stated-values.ts";

export interface TokenEndpointTemplate {
  /** An absolute URL, which may have variables: `https://{subdomain}.example.com/{tenant}/token`. */
  readonly template: string;
  /** The connection's values for variables. Its author chooses nothing else of the URL. */
  readonly config: Readonly<Record<string, string>>;
  /** The variables that the catalogue or the registration declares. @default {} */
  readonly variables?: Readonly<Record<string, UrlVariable>>;
  /** The registration's values for variables. Its author could have written the URL itself. @default {} */
  readonly registrationConfig?: Readonly<Record<string, string>>;
  /** Permits http at loopback addresses. */
  readonly allowLoopback: boolean;
}

/** Literal labels after a variable in a host: a value then chooses a name below a domain, and not the domain. */
const literalLabelsAfterVariable = 2;

const variable = /^\{([A-Za-z_][A-Za-z0-9_]{0,63})\}$/;
/** RFC 1123 §2.1. */
const dnsLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
/** Dots stand only between other characters (`contoso.onmicrosoft.com`): no segment is `.` or `..`. */
const pathSegment = /^(?=.{1,128}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const templateParts =
  /^(?<scheme>[^:/?#]*):\/\/(?<authority>[^/?#]+)(?<path>[^?#]*)(?<query>\?[^#]*)?$/;

/**
 * Fills the variables of a token endpoint's URL (RFC 6749 §3.2). A variable is a whole label of the host,
 * before at least two literal labels, or a whole segment of the path. The addresses of the host are checked
 * once they are known: address-rules.ts.
 *
 * @throws {MisconfiguredRegistration} names the rule and the variable; never a value nor the query,
 *   which may hold a secret
 */
export function tokenEndpointUrl(endpoint: TokenEndpointTemplate): URL {
  const { allowLoopback } = endpoint;
  const { template, config } = filledByTrusted(endpoint);
  const { scheme, authority, path, query } = splitTemplate(template);
  const host = authority.replace(/:\d*$/, "");
  const port = authority.slice(host.length);
  const filledHost = fillHost(host, config);
  const filledPath = path
    .split("/")
    .map((segment) => fill(segment, config, pathSegment, "a path segment"))
    .join("/");
  const url = URL.parse(`${scheme}://${filledHost}${port}${filledPath}${query}`);
  if (url === null) throw fault("is not a valid URL");
  if (filledHost !== host && url.hostname !== filledHost.toLowerCase()) {
    throw fault("does not keep its host when its variables are filled");
  }
  if (url.protocol === "http:" && !(allowLoopback && isLoopbackHost(url.hostname))) {
    throw fault("has to be https");
  }
  return url;
}

/**
 * Fills the variables whose values are trusted, wherever they stand: one of a few choices, or a value of the
 * registration. The connection's other values are checked against their declaration only; their place in the
 * URL is checked when they are filled in.
 */
function filledByTrusted({
  template,
  config,
  variables = {},
  registrationConfig = {},
}: TokenEndpointTemplate): Pick<TokenEndpointTemplate, "template" | "config"> {
  let filled = template;
  const others: Record<string, string> = {};
  for (const name of variableNames(template)) {
    const declared = ownValue(variables, name);
    const connectionValue = setByRegistration(declared) ? undefined : ownValue(config, name);
    const value = connectionValue ?? ownValue(registrationConfig, name) ?? declared?.default;
    if (typeof value !== "string") {
      throw fault(`has a variable that the ${statedBy(declared)} does not fill: ${name}`);
    }
    if (!isPermitted(value, declared)) {
      throw fault(`has a variable whose value does not fit it: ${name}`);
    }
    const isTrusted = connectionValue === undefined || (declared && "choices" in declared);
    if (isTrusted) filled = filled.replaceAll(`{${name}}`, () => value);
    else others[name] = value;
  }
  return { template: filled, config: others };
}

/** The names of a template's variables, each once. */
const variableNames = (template: string): readonly string[] => [
  ...new Set(
    Array.from(template.matchAll(/\{([A-Za-z_][A-Za-z0-9_]{0,63})\}/g), ([, name = ""]) => name),
  ),
];

/** The template's host and port have a variable that a connection's config may fill. */
export const hostVariesByConnection = ({
  template,
  variables = {},
}: Pick<TokenEndpointTemplate, "template" | "variables">): boolean =>
  variableNames(templateParts.exec(template)?.groups?.authority ?? "").some(
    (name) => !setByRegistration(ownValue(variables, name)),
  );

export const setByRegistration = (variable: UrlVariable | undefined): boolean =>
  variable !== undefined && "pattern" in variable && variable.setBy === "integration";

const statedBy = (declared: UrlVariable | undefined): string =>
  setByRegistration(declared) ? "registration's config" : "connection's config";

function isPermitted(value: string, declared: UrlVariable | undefined): boolean {
  if (declared === undefined) return true;
  return "choices" in declared
    ? declared.choices.includes(value)
    : linearPattern(declared.pattern).test(value);
}

function splitTemplate(template: string) {
  // A URL parser drops tabs and line breaks and reads "\" as "/": the URL that is called would not be the one checked.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(template)) {
    throw fault("may hold neither spaces, backslashes, control nor non-ASCII characters");
  }
  if (template.includes("#")) throw fault("may not have a fragment");
  const { scheme, authority, path, query = "" } = templateParts.exec(template)?.groups ?? {};
  if (scheme === undefined || authority === undefined || path === undefined) {
    throw fault("is not an absolute URL");
  }
  if (!["https", "http"].includes(scheme.toLowerCase())) throw fault("has to be https");
  if (authority.includes("@")) throw fault("may not hold a user or a password");
  if (/[{}]/.test(query)) throw fault("may not have a variable in its query");
  return { scheme, authority, path, query };
}

function fillHost(host: string, config: TokenEndpointTemplate["config"]): string {
  if (!/[{}]/.test(host)) return host;
  const labels = host.split(".");
  const lastVariable = labels.findLastIndex((label) => /[{}]/.test(label));
  const literals = labels.slice(lastVariable + 1);
  if (literals.length < literalLabelsAfterVariable || !literals.every((l) => dnsLabel.test(l))) {
    throw fault(
      `needs at least ${literalLabelsAfterVariable} literal labels after a variable in its host`,
    );
  }
  return labels.map((label) => fill(label, config, dnsLabel, "a label of the host")).join(".");
}

/** Returns a literal part unchanged, and for a variable the config's value. */
function fill(
  part: string,
  config: TokenEndpointTemplate["config"],
  form: RegExp,
  place: string,
): string {
  if (!/[{}]/.test(part)) return part;
  const name = variable.exec(part)?.[1];
  if (name === undefined) throw fault(`may have a variable only as the whole of ${place}`);
  const value = Object.hasOwn(config, name) ? config[name] : undefined;
  if (typeof value !== "string") {
    throw fault(`has a variable that the connection's config does not fill: ${name}`);
  }
  if (!form.test(value)) throw fault(`has a variable whose value cannot be ${place}: ${name}`);
  return value;
}

export function isLoopbackHost(hostname: string): boolean {
  if (hostname === "localhost" || hostname === "[::1]") return true;
  return isIP(hostname) === 4 && hostname.startsWith("127.");
}

const fault = (rule: string): MisconfiguredRegistration =>
  new MisconfiguredRegistration(`the token endpoint ${rule}`);
