import type { Connection } from "../../functions/domain/model/connection.ts";
import { reauthorizationDue } from "../../functions/domain/reauthorization.ts";
import { connection, connectionId, startMs, workspaceId } from "../support/refresh-harness.ts";

const dayMs = 86_400_000;
const inTenDaysMs = startMs + 10 * dayMs;
const inTwentyDaysMs = startMs + 20 * dayMs;
const throughMs = startMs + 30 * dayMs;

const due = (changes: Partial<Connection>, until = throughMs) =>
  reauthorizationDue(connection({ refreshAtMs: startMs + dayMs, ...changes }), until);

test("an absolute end is told with all that a user is asked by", () => {
  expect(due({ refreshTokenAbsoluteExpiresAtMs: inTenDaysMs })).toEqual({
    connectionId,
    workspaceId,
    integration: "acme",
    endsAtMs: inTenDaysMs,
    reason: "absolute",
  });
});

test("an end counts up to the instant itself, and one that has passed still does", () => {
  const refreshTokenAbsoluteExpiresAtMs = inTenDaysMs;
  expect(due({ refreshTokenAbsoluteExpiresAtMs }, inTenDaysMs)).toBeDefined();
  expect(due({ refreshTokenAbsoluteExpiresAtMs }, inTenDaysMs - 1)).toBeUndefined();
  expect(due({ refreshTokenAbsoluteExpiresAtMs: startMs - dayMs })).toBeDefined();
});

test("a connection whose refresh token has no known end is never due", () => {
  expect(due({}, Number.MAX_SAFE_INTEGER)).toBeUndefined();
  expect(due({ status: "inactive" }, Number.MAX_SAFE_INTEGER)).toBeUndefined();
});

test.each<[string, Partial<Connection>]>([
  ["active", {}],
  ["testing", { status: "testing" }],
  ["error, tried again", { status: "error" }],
])("an idle end that the schedule moves is nobody's concern: %s", (_, changes) => {
  expect(due({ refreshTokenExpiresAtMs: inTenDaysMs, ...changes })).toBeUndefined();
});

test.each<[string, Partial<Connection>]>([
  ["inactive, though the schedule looks at it", { status: "inactive" }],
  ["given up", { status: "error", refreshAtMs: undefined }],
  ["never scheduled", { refreshAtMs: undefined }],
])("an idle end that the schedule does not move is told: %s", (_, changes) => {
  expect(due({ refreshTokenExpiresAtMs: inTenDaysMs, ...changes })).toMatchObject({
    endsAtMs: inTenDaysMs,
    reason: "idle",
  });
});

test("of two ends the earlier is told, and of two that are one, that no refresh moves it", () => {
  const ends = (refreshTokenExpiresAtMs: number, refreshTokenAbsoluteExpiresAtMs: number) =>
    due({ status: "inactive", refreshTokenExpiresAtMs, refreshTokenAbsoluteExpiresAtMs });
  const idle = { endsAtMs: inTenDaysMs, reason: "idle" };
  const absolute = { endsAtMs: inTenDaysMs, reason: "absolute" };
  expect(ends(inTenDaysMs, inTwentyDaysMs)).toMatchObject(idle);
  expect(ends(inTwentyDaysMs, inTenDaysMs)).toMatchObject(absolute);
  expect(ends(inTenDaysMs, inTenDaysMs)).toMatchObject(absolute);
});

test("a connection that has expired is past being due", () => {
  const ends = {
    refreshTokenExpiresAtMs: inTenDaysMs,
    refreshTokenAbsoluteExpiresAtMs: inTenDaysMs,
  };
  expect(due({ status: "expired", refreshAtMs: undefined, ...ends })).toBeUndefined();
});
