import {
  accessTokenExpiry,
  refreshTokenExpiry,
} from "../../../../functions/adapters/token-endpoint/response/token-lifetimes.ts";

const receivedAtMs = Date.UTC(2026, 0, 1, 12);
const inAnHourMs = receivedAtMs + 3_600_000;
const yearSeconds = 365 * 24 * 60 * 60;
/** Ten years, each a leap year. */
const longestSeconds = 316_224_000;

describe("the access token ends", () => {
  test.each<[string, object, number | undefined]>([
    ["a number of seconds", { expires_in: 3600 }, inAnHourMs],
    ["a string of seconds", { expires_in: " 3600 " }, inAnHourMs],
    ["a fraction", { expires_in: 3600.0009 }, inAnHourMs],
    ["ten years", { expires_in: 10 * yearSeconds }, receivedAtMs + 10 * yearSeconds * 1000],
    ["the longest", { expires_in: longestSeconds }, receivedAtMs + longestSeconds * 1000],
    ["a fraction as a string", { expires_in: "3600.25" }, inAnHourMs + 250],
    ["nothing said", {}, undefined],
    ["0 as a string", { expires_in: "0" }, undefined],
    ["0, which means never", { expires_in: 0 }, undefined],
    ["epoch seconds", { expires_at: inAnHourMs / 1000 }, inAnHourMs],
    ["epoch seconds as a string", { expires_at: String(inAnHourMs / 1000) }, inAnHourMs],
    ["epoch milliseconds", { expires_at: inAnHourMs }, inAnHourMs],
    ["ISO 8601", { expires_at: "2026-01-01T13:00:00Z" }, inAnHourMs],
    ["ISO 8601 with an offset", { expires_at: "2026-01-01T15:00:00.000+02:00" }, inAnHourMs],
    ["ISO 8601 in lower case", { expires_at: "2026-01-01t13:00:00z" }, inAnHourMs],
    ["ISO 8601 with spaces around", { expires_at: " 2026-01-01T13:00:00Z " }, inAnHourMs],
    ["ISO 8601 with tenths", { expires_at: "2026-01-01T13:00:00.5Z" }, inAnHourMs + 500],
    [
      "ISO 8601 with nanoseconds",
      { expires_at: "2026-01-01T13:00:00.250000000Z" },
      inAnHourMs + 250,
    ],
    [
      "ISO 8601 with an offset without a colon",
      { expires_at: "2026-01-01T09:30:00-0330" },
      inAnHourMs,
    ],
    ["ISO 8601 without a zone: UTC", { expires_at: "2026-01-01 13:00" }, inAnHourMs],
    ["relative before absolute", { expires_in: 3600, expires_at: 1 }, inAnHourMs],
  ])("%s", (_form, members, expiresAtMs) => {
    expect(accessTokenExpiry({ ...members }, receivedAtMs)).toEqual({ expiresAtMs, notes: [] });
  });

  test.each<[unknown]>([
    [null],
    [true],
    ["soon"],
    [""],
    [[3600]],
    [{}],
    [-1],
    ["-3600"],
    [1e300],
    [100 * yearSeconds],
    [receivedAtMs],
    ["1e3"],
    ["3600x"],
    ["x3600"],
    ["3600x.5"],
    ["3600.x"],
    [longestSeconds + 1],
  ])("expires_in %j is a note, and the absolute instant counts", (expires_in) => {
    expect(accessTokenExpiry({ expires_in }, receivedAtMs)).toEqual({
      expiresAtMs: undefined,
      notes: ["expires_in is not usable"],
    });
    expect(
      accessTokenExpiry({ expires_in, expires_at: "2026-01-01T13:00:00Z" }, receivedAtMs),
    ).toEqual({ expiresAtMs: inAnHourMs, notes: ["expires_in is not usable"] });
  });

  test.each<[unknown]>([
    ["2025-12-31T00:00:00Z"],
    ["2526-01-01T00:00:00Z"],
    ["2026-13-99T99:99:99Z"],
    ["2026-01-01T12:00:00Z"],
    ["at 2026-01-01T13:00:00Z"],
    ["2026-01-01T13:00:00Z, or so"],
    ["2026-01-01T13:00:00.Z"],
    ["2026-01-01T13:00:00.0000000000Z"],
    ["tomorrow"],
    ["2026-01-02"],
    [null],
    [1],
  ])("expires_at %j is a note", (expires_at) => {
    expect(accessTokenExpiry({ expires_at }, receivedAtMs)).toEqual({
      expiresAtMs: undefined,
      notes: ["expires_at is not usable"],
    });
  });
});

test.each(["refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"])(
  "the refresh token ends: %s",
  (name) => {
    expect(refreshTokenExpiry({ [name]: "3600" }, receivedAtMs)).toEqual({
      expiresAtMs: inAnHourMs,
      notes: [],
    });
    expect(refreshTokenExpiry({ [name]: 0 }, receivedAtMs)).toEqual({
      expiresAtMs: undefined,
      notes: [],
    });
  },
);

test("the refresh token ends at an instant", () => {
  const members = { refresh_token_expires_at: "2026-01-01T13:00:00Z" };
  expect(refreshTokenExpiry(members, receivedAtMs).expiresAtMs).toBe(inAnHourMs);
});
