import {
  allOf,
  anyOf,
  clause,
  setOrRemove,
  updateExpressions,
} from "../../../functions/adapters/dynamodb/update-expression.ts";

test("assignments, removals and conditions, with a placeholder for every name and value", () => {
  const isFree = clause("attribute_not_exists(lease_id)");
  const isDead = clause("lease_expires_at_ms <= :nowMs", { ":nowMs": { N: "7" } });
  const isActive = clause("#status = :active", { ":active": { S: "active" } });
  expect(
    updateExpressions({
      set: { status: { S: "error" } },
      assign: [clause("revision = revision + :one", { ":one": { N: "1" } })],
      remove: ["lease_id", "holders.#permit"],
      condition: [anyOf(isFree, allOf(isDead, isActive)), isActive],
      names: { "#permit": "8f507cfc-0000" },
    }),
  ).toEqual({
    UpdateExpression:
      "SET #status = :set_status, revision = revision + :one REMOVE #lease_id, #holders.#permit",
    ConditionExpression:
      "(attribute_not_exists(lease_id) OR (lease_expires_at_ms <= :nowMs AND #status = :active)) AND #status = :active",
    ExpressionAttributeNames: {
      "#status": "status",
      "#lease_id": "lease_id",
      "#holders": "holders",
      "#permit": "8f507cfc-0000",
    },
    ExpressionAttributeValues: {
      ":set_status": { S: "error" },
      ":one": { N: "1" },
      ":nowMs": { N: "7" },
      ":active": { S: "active" },
    },
  });
});

test("what an update does not use is absent: DynamoDB refuses empty maps and unused names", () => {
  expect(updateExpressions({ remove: ["a"] })).toEqual({
    UpdateExpression: "REMOVE #a",
    ExpressionAttributeNames: { "#a": "a" },
  });
});

test("a single clause has no parentheses of its own: DynamoDB refuses redundant ones", () => {
  expect(anyOf(allOf(clause("a = b"))).text).toBe("a = b");
});

test("one placeholder has one value", () => {
  const at = (second: string) => clause("a = :at", { ":at": { N: second } });
  expect(anyOf(at("1"), at("1")).values).toEqual({ ":at": { N: "1" } });
  expect(() => anyOf(at("1"), at("2"))).toThrow("two values for the placeholder :at");
});

test("an undefined attribute is removed", () => {
  expect(setOrRemove({ a: { S: "x" }, b: undefined })).toEqual({
    set: { a: { S: "x" } },
    remove: ["b"],
  });
});
