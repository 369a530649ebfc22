import { sealedTokenSetPattern } from "../domain/model/connection.ts";
import { maskKnownShapes, maskText, redacted } from "../domain/model/masked-text.ts";

/**
 * Limits what a log line can hold. Secrets travel as `Secret`, and errors never carry text that a provider
 * sent; redaction is the second fence, for whatever passes the first.
 */

const maximumDepth = 8;
const maximumCauses = 4;
const maximumFrames = 12;
const maximumTextLength = 2_000;

/** Compared in lower case and without separators: `x-api-key`, `apiKey` and `API_KEY` are one name. */
const secretName =
  /(?:tokens?|secrets?|secretstring|secretbinary|password|passwd|passphrase|authorization|apikey|privatekey|cookies?|assertion|verifier|plaintext|jwt|jwks?|body)$/;

/** Members whose strings are identifiers: long, mixed, and not to be mistaken for tokens. */
const identifierNames = new Set([
  "code",
  "level",
  "timestamp",
  "service",
  "request_id",
  "lambda_request_id",
  "xray_trace_id",
  "connection_id",
  "connection_ids",
  "workspace_id",
  "held_workspace_id",
  "origin",
  "token_endpoint",
  "bound_to",
  "principal_id",
  "integration",
  "registration_name",
]);

type Members = Readonly<Record<string, unknown>>;

/** A copy that is safe to print: plain data, bounded in depth, without secrets. */
export const redact = (members: Members): Members => {
  const seen = new WeakSet<object>();
  return mapMembers(Object.entries(members), (member, name) => copy(member, name, 1, seen));
};

function copy(value: unknown, name: string, depth: number, seen: WeakSet<object>): unknown {
  if (value === undefined || value === null) return value;
  if (secretName.test(name.toLowerCase().replace(/[^a-z]/g, ""))) return redacted;
  switch (typeof value) {
    case "string":
      return copyString(value, name);
    case "bigint":
      return value.toString();
    case "object":
      return copyObject(value, name, depth, seen);
    case "number":
    case "boolean":
      return value;
    default:
      return `[${typeof value}]`;
  }
}

function copyString(value: string, name: string): string {
  // The one ciphertext that a log line may hold.
  if (name === "credentials") return sealedTokenSetPattern.test(value) ? value : redacted;
  const text = value.slice(0, maximumTextLength);
  return identifierNames.has(name) ? maskKnownShapes(text) : maskText(text);
}

function copyObject(value: object, name: string, depth: number, seen: WeakSet<object>): unknown {
  if (depth >= maximumDepth) return "[too deep]";
  if (seen.has(value)) return "[seen above]";
  seen.add(value);
  if (value instanceof Error) return describeError(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "[binary]";
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return copy(value.toJSON(), name, depth + 1, seen);
  }
  if (Array.isArray(value)) return value.map((item) => copy(item, name, depth + 1, seen));
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return mapMembers(entries, (member, key) => copy(member, key, depth + 1, seen));
}

const mapMembers = (
  entries: readonly (readonly [unknown, unknown])[],
  mapped: (member: unknown, name: string) => unknown,
): Members =>
  Object.fromEntries(entries.map(([key, member]) => [String(key), mapped(member, String(key))]));

/** Name, message, code and the frames of the stack; other members may hold what a provider sent. */
function describeError(error: Error, causes = 0): Members {
  const code = "code" in error ? error.code : undefined;
  const { cause } = error;
  return {
    name: maskText(error.name),
    message: maskText(String(error.message).slice(0, maximumTextLength)),
    ...(typeof code === "string" && { code: maskText(code) }),
    ...(typeof code === "number" && { code }),
    stack: stackFrames(error),
    ...(cause instanceof Error &&
      causes < maximumCauses && { cause: describeError(cause, causes + 1) }),
    ...(typeof cause === "string" && { cause: maskText(cause.slice(0, maximumTextLength)) }),
  };
}

/** A stack begins with the message, which is content: only the frames are kept. */
function stackFrames({ stack, message }: Error): string[] {
  if (typeof stack !== "string") return [];
  const begin = stack.indexOf(message);
  const frames = begin < 0 ? stack : stack.slice(begin + message.length);
  return frames
    .split("\n")
    .filter((line) => /^ {4}at \S/.test(line))
    .slice(0, maximumFrames)
    .map((line) => maskKnownShapes(line.trim()));
}
