import {
  InvalidRefreshMessage,
  parseRefreshMessage,
  refreshMessage,
} from "../../../functions/adapters/sqs/refresh-message.ts";
import type { DueConnection } from "../../../functions/domain/ports/schedule.ts";
import { connectionId, startMs, workspaceId } from "../../support/refresh-harness.ts";

const due: DueConnection = {
  connectionId,
  workspaceId,
  integration: "acme",
  refreshAtMs: startMs + 123,
};
const members = {
  connection_id: "conn_1",
  workspace_id: "wsp_1",
  integration: "acme",
  refresh_at: "2026-01-01T12:00:00.123Z",
};

it("a message holds the connection, its workspace and integration and when it was due, and nothing else", () => {
  expect(JSON.parse(refreshMessage(due))).toEqual(members);
  expect(parseRefreshMessage(refreshMessage(due))).toEqual(due);
});

it("members that a later release adds are ignored", () => {
  expect(parseRefreshMessage(JSON.stringify({ ...members, attempt: 2 }))).toEqual(due);
});

it.each([
  ["connection_id", "conn 1"],
  ["connection_id", undefined],
  ["workspace_id", 7],
  ["workspace_id", ""],
  ["integration", "acme/../other"],
  ["integration", null],
  ["refresh_at", "2026-01-01"],
  ["refresh_at", "2026-13-45T99:00:00Z"],
  ["refresh_at", 1_767_268_800_000],
])("a message with %s %j is refused, and the error names the member", (name, value) => {
  const read = () => parseRefreshMessage(JSON.stringify({ ...members, [name]: value }));
  expect(read).toThrow(InvalidRefreshMessage);
  expect(read).toThrow(new RegExp(`^not a refresh message: ${name}: (?:expected [^;]+|required)$`));
});

it("the error names every member at fault, and shows no value", () => {
  const read = () => parseRefreshMessage('{"connection_id":"plain id","refresh_at":"plain"}');
  expect(read).toThrow(/connection_id.*workspace_id.*integration.*refresh_at/);
  expect(read).not.toThrow(/plain/);
});

it.each(["", "not JSON", "[]", "null", '"text"', "7"])("%p is not a message", (body) => {
  expect(() => parseRefreshMessage(body)).toThrow(
    /^not a refresh message: expected (?:JSON|an object)$/,
  );
});
