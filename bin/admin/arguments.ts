import { InvalidArgumentError } from "commander";
import {
  type ConnectionId,
  identifierPattern,
  isConnectionId,
  isRegistrationName,
  isWorkspaceId,
  type RegistrationName,
  type WorkspaceId,
} from "../../functions/domain/model/connection.ts";

/**
 * Parsers of arguments and options.
 * @throws {InvalidArgumentError} commander adds the argument's name
 */
export function connectionId(text: string): ConnectionId {
  if (isConnectionId(text)) return text;
  throw new InvalidArgumentError("Expected 1 to 128 of A-Z a-z 0-9 _ -.");
}

export function workspaceId(text: string): WorkspaceId {
  if (isWorkspaceId(text)) return text;
  throw new InvalidArgumentError("Expected 1 to 128 of A-Z a-z 0-9 _ -.");
}

export function integrationName(text: string): string {
  if (identifierPattern.test(text)) return text;
  throw new InvalidArgumentError("Expected 1 to 128 of A-Z a-z 0-9 _ -.");
}

/** `scope-token` of RFC 6749 §3.3. */
export function scope(text: string): string {
  if (/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a scope without spaces.");
}

/** `acme` is short for `integrations/acme`. A name with a slash is complete. */
export function registrationName(text: string): RegistrationName {
  const name = text.includes("/") ? text : `integrations/${text}`;
  if (isRegistrationName(name)) return name;
  throw new InvalidArgumentError(
    "Expected one to four parts of A-Z a-z 0-9 _ -, separated by slashes.",
  );
}

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number.");
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30d`, `36h`, `90m`. */
export function durationMs(text: string): number {
  const [, count = "", unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count !== "") return Number(count) * unitMs[unit as keyof typeof unitMs];
  throw new InvalidArgumentError(
    "Expected a number of days, hours or minutes, such as 30d, 36h or 90m.",
  );
}

/** `2026-01-01T12:00:00Z`. */
export function pastInstantMs(text: string): number {
  const instantMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (instantMs <= Date.now()) return instantMs;
  throw new InvalidArgumentError("Expected an instant in the past, such as 2026-01-01T12:00:00Z.");
}

/** Collects the values of an option that may be repeated. */
export const collected =
  <Value>(parse: (text: string) => Value) =>
  (text: string, former: readonly Value[] = []): readonly Value[] => [...former, parse(text)];

/** `key=value`, repeated. */
export function keyValue(
  text: string,
  former: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, key = "", value = ""] = /^([A-Za-z0-9_]{1,64})=(.*)$/s.exec(text) ?? [];
  if (key === "") throw new InvalidArgumentError("Expected key=value.");
  return { ...former, [key]: value };
}
