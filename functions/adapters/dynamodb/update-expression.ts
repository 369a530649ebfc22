import type { AttributeValue, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";

type Values = Readonly<Record<string, AttributeValue>>;

/** A part of an expression, with the values of its placeholders. `#name` stands for the attribute `name`. */
export interface Clause {
  readonly text: string;
  readonly values: Values;
}

export const clause = (text: string, values: Values = {}): Clause => ({ text, values });

export const anyOf = (...clauses: readonly Clause[]): Clause => joined(clauses, "OR");
export const allOf = (...clauses: readonly Clause[]): Clause => joined(clauses, "AND");

/** DynamoDB refuses an expression with redundant parentheses. */
function joined(clauses: readonly Clause[], operator: "AND" | "OR"): Clause {
  const [only, ...others] = clauses;
  if (only !== undefined && others.length === 0) return only;
  return {
    text: `(${clauses.map(({ text }) => text).join(` ${operator} `)})`,
    values: valuesOf(clauses),
  };
}

/** A conditional change of one item. */
export interface ItemUpdate {
  /** New values, by attribute name. */
  readonly set?: Values;
  /** Further assignments: `revision = revision + :one`. */
  readonly assign?: readonly Clause[];
  /** Attribute names, or paths of names between dots. */
  readonly remove?: readonly string[];
  /** Numbers to add to stored ones, and sets to unite with stored ones, by attribute name. */
  readonly add?: Values;
  /** All of these have to hold. None: the item is changed whatever is stored. */
  readonly condition?: readonly Clause[];
  /** Names that cannot stand in an expression, by their placeholders. */
  readonly names?: Readonly<Record<string, string>>;
}

type UpdateExpressions = Pick<
  UpdateItemCommandInput,
  | "UpdateExpression"
  | "ConditionExpression"
  | "ExpressionAttributeNames"
  | "ExpressionAttributeValues"
>;

/**
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 * Every attribute that is set, removed or added to has a placeholder, since its name may be a reserved word.
 */
export function updateExpressions({
  set = {},
  assign = [],
  remove = [],
  add = {},
  condition = [],
  names = {},
}: ItemUpdate): UpdateExpressions {
  const additions = Object.entries(add).map(([name, value]) =>
    clause(`#${name} :add_${name}`, { [`:add_${name}`]: value }),
  );
  const assignments = [
    ...Object.entries(set).map(([name, value]) =>
      clause(`#${name} = :set_${name}`, { [`:set_${name}`]: value }),
    ),
    ...assign,
  ];
  const update = [
    assignments.length > 0 && `SET ${assignments.map(({ text }) => text).join(", ")}`,
    remove.length > 0 && `REMOVE ${remove.map(pathOf).join(", ")}`,
    additions.length > 0 && `ADD ${additions.map(({ text }) => text).join(", ")}`,
  ]
    .filter(Boolean)
    .join(" ");
  const conditions = condition.map(({ text }) => text).join(" AND ");
  const attributeNames = { ...namesIn(`${update} ${conditions}`), ...names };
  const values = valuesOf([...assignments, ...additions, ...condition]);
  return {
    UpdateExpression: update,
    ...(conditions !== "" && { ConditionExpression: conditions }),
    ...(Object.keys(attributeNames).length > 0 && { ExpressionAttributeNames: attributeNames }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

/** Attributes as a change: an undefined value removes the attribute. */
export function setOrRemove(
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): Required<Pick<ItemUpdate, "set" | "remove">> {
  const set: Record<string, AttributeValue> = {};
  const remove: string[] = [];
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) remove.push(name);
    else set[name] = value;
  }
  return { set, remove };
}

const pathOf = (path: string): string => path.replaceAll(/(?<=^|\.)(?!#)/g, "#");

const namesIn = (expression: string): Record<string, string> =>
  Object.fromEntries((expression.match(/#\w+/g) ?? []).map((name) => [name, name.slice(1)]));

/** @throws {TypeError} two clauses give one placeholder different values */
function valuesOf(clauses: readonly Clause[]): Record<string, AttributeValue> {
  const all: Record<string, AttributeValue> = {};
  for (const [name, value] of clauses.flatMap(({ values }) => Object.entries(values))) {
    if (all[name] !== undefined && JSON.stringify(all[name]) !== JSON.stringify(value)) {
      throw new TypeError(`two values for the placeholder ${name}`);
    }
    all[name] = value;
  }
  return all;
}
