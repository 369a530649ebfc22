import { isObject } from "../../functions/validation/structures.ts";
import type { AuthorizerContext } from "./proxy-event.ts";

/** API Gateway's interpretation of a Lambda authorizer's result. */
export type Authorization =
  | { readonly kind: "allowed"; readonly context: AuthorizerContext }
  | { readonly kind: "denied" }
  /** The result has no valid policy, or its context is not flat. */
  | { readonly kind: "invalid" };

interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/**
 * A statement has to allow the call, and none may deny it.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 *
 * @param methodArn the call's, `arn:aws:execute-api:…`
 */
export function authorization(result: unknown, methodArn: string): Authorization {
  if (!isObject(result) || typeof result.principalId !== "string") return { kind: "invalid" };
  const statements = statementsOf(result.policyDocument);
  const context = flatContext(result.context ?? {});
  if (statements === undefined || context === undefined) return { kind: "invalid" };

  const effects = statements
    .filter(({ actions }) => actions.some((action) => matches(action, "execute-api:Invoke")))
    .filter(({ resources }) => resources.some((resource) => matches(resource, methodArn)))
    .map(({ effect }) => effect);
  return effects.includes("Allow") && !effects.includes("Deny")
    ? { kind: "allowed", context: { ...context, principalId: result.principalId } }
    : { kind: "denied" };
}

function statementsOf(policy: unknown): readonly Statement[] | undefined {
  if (!isObject(policy) || !Array.isArray(policy.Statement)) return undefined;
  const statements = policy.Statement.map((statement: unknown) => {
    if (!isObject(statement)) return undefined;
    const { Effect: effect } = statement;
    const actions = stringsOf(statement.Action);
    const resources = stringsOf(statement.Resource);
    if (effect !== "Allow" && effect !== "Deny") return undefined;
    return actions && resources ? { effect, actions, resources } : undefined;
  });
  return statements.every((statement) => statement !== undefined) ? statements : undefined;
}

function stringsOf(value: unknown): readonly string[] | undefined {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.every((one) => typeof one === "string") ? values : undefined;
}

/** Strings, numbers and booleans, all of which reach the function as strings. */
function flatContext(context: unknown): Record<string, string> | undefined {
  if (!isObject(context)) return undefined;
  const members = Object.entries(context).filter(([, value]) => value !== null);
  if (members.some(([, value]) => typeof value === "object")) return undefined;
  return Object.fromEntries(members.map(([name, value]) => [name, String(value)]));
}

/** `*` matches any characters, `?` one character. */
function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "i").test(text);
}
