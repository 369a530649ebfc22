import { createHash } from "node:crypto";
import { keyDigest } from "../../functions/adapters/authentication/key-digest.ts";
import {
  authenticate,
  type Principal,
  workspaceFor,
} from "../../functions/domain/authentication.ts";
import { isWorkspaceId, type WorkspaceId } from "../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../functions/domain/model/errors.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { ApiKeyRecord, TokenClaims } from "../../functions/domain/ports/authentication.ts";

const workspace = (name: string): WorkspaceId => {
  if (!isWorkspaceId(name)) throw new Error("test data");
  return name;
};
const [one, two, other] = [workspace("wsp_one"), workspace("wsp_two"), workspace("wsp_other")];

const nowMs = Date.UTC(2025, 9, 19, 12);
const clock = { nowMs: () => nowMs, sleep: async () => undefined };

describe("the workspace of a request", () => {
  const principal = (
    defaultWorkspaceId: WorkspaceId | undefined,
    ...workspaceIds: WorkspaceId[]
  ): Principal => ({ principalId: "key:test", defaultWorkspaceId, workspaceIds });

  it.each([
    ["the default, when none is named", principal(one, one, two), undefined, one],
    ["the default, when it is named", principal(one, one, two), one, one],
    ["another that is allowed", principal(one, one, two), two, two],
    ["an allowed one, without a default", principal(undefined, two), two, two],
  ])("%s", (_, who, requested, expected) => {
    expect(workspaceFor(who, requested)).toBe(expected);
  });

  it.each([
    ["one that is not allowed", principal(one, one, two), other],
    ["none named, and no default", principal(undefined, one, two), undefined],
    ["any at all, for who may use none", principal(undefined), one],
    ["a default that is not among the allowed", principal(other, one), undefined],
  ])("is forbidden: %s", (_, who, requested) => {
    expect(() => workspaceFor(who, requested)).toThrow(
      expect.objectContaining({ code: "workspace_forbidden" }),
    );
  });
});

describe("an API key", () => {
  const key = `otr_${"k".repeat(43)}`;
  const keyHash = createHash("sha256").update(key).digest("hex");
  const stored: ApiKeyRecord = {
    keyHash,
    keyId: keyHash.slice(0, 16),
    workspaceId: one,
    workspaceIds: [two, one],
    scopes: undefined,
    status: "active",
    expiresAtMs: undefined,
  };
  const check = (record: ApiKeyRecord | undefined, bearer = key) =>
    authenticate({
      apiKeys: { find: async (hash) => (hash === keyHash ? record : undefined) },
      digest: keyDigest,
      tokens: undefined,
      clock,
    })(new Secret(bearer));

  it("is looked up by its hash and stands for its workspaces", async () => {
    await expect(check(stored)).resolves.toEqual({
      kind: "authenticated",
      principal: {
        principalId: `key:${keyHash.slice(0, 16)}`,
        defaultWorkspaceId: one,
        workspaceIds: [one, two],
      },
      mayRefresh: true,
    });
  });

  it.each([
    ["key_unknown", undefined],
    ["key_unknown", { ...stored, keyHash: `${keyHash.slice(0, -1)}x` }],
    ["key_unknown", { ...stored, keyHash: "short" }],
    ["key_revoked", { ...stored, status: "revoked" as const }],
    ["key_expired", { ...stored, expiresAtMs: nowMs }],
  ])("is refused: %s", async (reason, record) => {
    await expect(check(record)).resolves.toEqual({ kind: "refused", reason });
  });

  it("lives to the last millisecond", async () => {
    const verdict = await check({ ...stored, expiresAtMs: nowMs + 1 });
    expect(verdict.kind).toBe("authenticated");
  });

  it.each([
    [undefined, true],
    [["connections:refresh"], true],
    [["connections:read", "connections:refresh"], true],
    [["connections:read"], false],
    [[], false],
  ])("with scopes %j may refresh: %s", async (scopes, mayRefresh) => {
    await expect(check({ ...stored, scopes })).resolves.toMatchObject({ mayRefresh });
  });

  it.each([`otr_${"k".repeat(42)}`, `otr_${"k".repeat(44)}`, `OTR_${"k".repeat(43)}`, "x", ""])(
    "that does not look like one is not looked up: %p",
    async (bearer) => {
      const find = jest.fn();
      const ask = authenticate({ apiKeys: { find }, digest: keyDigest, tokens: undefined, clock });
      await expect(ask(new Secret(bearer))).resolves.toEqual({
        kind: "refused",
        reason: "credential_unknown",
      });
      expect(find).not.toHaveBeenCalled();
    },
  );

  it("that cannot be looked up is not refused", async () => {
    const failing = { find: () => Promise.reject(new StoreUnavailable("DynamoDB")) };
    const ask = authenticate({ apiKeys: failing, digest: keyDigest, tokens: undefined, clock });
    await expect(ask(new Secret(key))).rejects.toThrow(StoreUnavailable);
  });
});

describe("a token", () => {
  const check = (claims: TokenClaims) =>
    authenticate({
      apiKeys: { find: () => Promise.reject(new Error("not a key")) },
      digest: keyDigest,
      tokens: { verify: async () => ({ kind: "verified", claims }) },
      clock,
    })(new Secret("header.payload.signature"));

  it("stands for the workspaces that it claims", async () => {
    const claims = { subject: "user-1", workspaceId: one, workspaceIds: [two], scopes: undefined };
    await expect(check(claims)).resolves.toEqual({
      kind: "authenticated",
      principal: {
        principalId: "jwt:user-1",
        defaultWorkspaceId: one,
        workspaceIds: [one, two],
      },
      mayRefresh: true,
    });
  });

  it("is limited by the scopes that it states", async () => {
    const claims = { subject: undefined, workspaceId: one, workspaceIds: [], scopes: ["openid"] };
    await expect(check(claims)).resolves.toMatchObject({ mayRefresh: false });
  });
});
