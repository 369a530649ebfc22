import { isIP } from "node:net";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import { linearPattern } from "../provider-catalogue/linear-pattern.ts";
import type { UrlVariable } from "../provider-catalogue/provider-entry.ts";
import { ownValue } from "../provider-catalogue/stated-values.ts";

export interface TokenEndpointTemplate {
  /** An absolute URL; may hold variables, `https://{subdomain}.example.com/{tenant}/token`. */
  readonly template: string;
  /** Of the connection: whoever may write it chooses nothing but the values of variables. */
  readonly config: Readonly<Record<string, string>>;
  /** What the catalogue or the registration says of its variables; they may say more than the config. @default nothing */
  readonly variables?: Readonly<Record<string, UrlVariable>>;
  /** Of the client registration, whose owner might as well have written the URL. @default {} */
  readonly registrationConfig?: Readonly<Record<string, string>>;
  /** Permits http, to a loopback address alone. */
  readonly allowLoopback: boolean;
}

/** What follows a variable in a host: a value chooses among the names of one registered domain, not the domain. */
const literalLabelsAfterVariable = 2;

const variable = /^\{([A-Za-z_][A-Za-z0-9_]{0,63})\}$/;
/** RFC 1123 §2.1. */
const dnsLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
/** Dots only between others (`contoso.onmicrosoft.com`), so that no segment is `.` or `..`. */
const pathSegment = /^(?=.{1,128}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const templateParts =
  /^(?<scheme>[^:/?#]*):\/\/(?<authority>[^/?#]+)(?<path>[^?#]*)(?<query>\?[^#]*)?$/;

/**
 * The URL of a token endpoint (RFC 6749 §3.2), its variables filled. A variable is a whole label of
 * the host, before at least two literal ones, or a whole segment of the path. Which addresses the host
 * may stand for is judged when they are known: address-rules.ts.
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
 * Fills the variables whose value nobody can abuse, wherever they stand: one of a few choices, or chosen
 * by whoever owns the registration. The others have to be what they are declared to be, and are left to
 * the rules for what a connection may choose.
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
    const ofConnection = setByRegistration(declared) ? undefined : ownValue(config, name);
    const value = ofConnection ?? ownValue(registrationConfig, name) ?? declared?.default;
    if (typeof value !== "string") {
      throw fault(`has a variable that the ${statedBy(declared)} does not fill: ${name}`);
    }
    if (!fits(declared, value)) throw fault(`has a variable whose value does not fit it: ${name}`);
    const isTrusted = ofConnection === undefined || (declared && "choices" in declared);
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

function fits(declared: UrlVariable | undefined, value: string): boolean {
  if (declared === undefined) return true;
  return "choices" in declared
    ? declared.choices.includes(value)
    : linearPattern(declared.pattern).test(value);
}

function splitTemplate(template: string) {
  // A URL parser drops tabs and line breaks and takes "\" for "/": what is judged is to be what is called.
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

/** A part of the template: a literal as it stands, a variable as the config's value. */
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
