import type { Socket } from "node:net";
import { inspect } from "node:util";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import type { RegisteredProvider } from "../../../functions/adapters/client-registration/registered-provider.ts";
import type { ProviderBehaviour } from "../../../functions/adapters/provider-catalogue/provider-entry.ts";
import { oauthTokenEndpoint } from "../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import type { TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import {
  behaviour,
  body,
  bystanders,
  headers,
  sentSecrets,
  status,
} from "../../support/generated-responses.ts";
import { assertProperty } from "../../support/property.ts";
import { type ProviderStandIn, startRawProvider } from "../../support/provider-stand-in.ts";
import { clientRegistration, tokenRequest } from "../../support/token-requests.ts";

const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

/** The form in which the bytes of a response arrive. */
interface Wire {
  readonly coding: keyof typeof codings | undefined;
  /** `short`, `long`: a Content-Length that is wrong. `close`: the end of the connection is the end. */
  readonly framing: "exact" | "short" | "long" | "chunked" | "close";
  /** The part of the bytes that is sent. */
  readonly sent: number;
  readonly ends: "properly" | "reset";
  readonly pieces: number;
}

interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly wire: Wire;
}

const wire: fc.Arbitrary<Wire> = fc.record({
  coding: fc.constantFrom(undefined, undefined, "gzip", "deflate", "br"),
  framing: fc.constantFrom("exact", "exact", "short", "long", "chunked", "close"),
  sent: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  ends: fc.constantFrom("properly", "properly", "reset"),
  pieces: fc.integer({ min: 1, max: 4 }),
});
const enormous = fc.constantFrom(40_000, 1_100_000).map((length) => Buffer.alloc(length, " x"));
const wireResponse: fc.Arbitrary<WireResponse> = fc.record({
  ...{ status, headers, wire },
  body: fc.oneof({ weight: 60, arbitrary: body }, { weight: 1, arbitrary: enormous }),
});

/** A value that Node's HTTP parser refuses would end the response before it begins. */
const headerLine = ([name, value]: [string, string | undefined]): string =>
  value === undefined ? "" : `${name}: ${value.replaceAll(/[^\x20-\x7e]/g, "")}\r\n`;

function bytesOf({ status, headers, body, wire }: WireResponse): readonly Buffer[] {
  const coded = wire.coding === undefined ? body : codings[wire.coding](body);
  const lengths = { exact: coded.length, short: coded.length >> 1, long: coded.length + 9 };
  const framed = Object.entries({
    ...headers,
    "content-encoding": wire.coding,
    "transfer-encoding": wire.framing === "chunked" ? "chunked" : undefined,
    "content-length":
      wire.framing in lengths ? String(Reflect.get(lengths, wire.framing)) : undefined,
    connection: "close",
  });
  const head = Buffer.from(`HTTP/1.1 ${status} Any\r\n${framed.map(headerLine).join("")}\r\n`);
  const content =
    wire.framing === "chunked"
      ? Buffer.concat([
          ...(coded.length === 0 ? [] : [Buffer.from(`${coded.length.toString(16)}\r\n`), coded]),
          Buffer.from(coded.length === 0 ? "0\r\n\r\n" : "\r\n0\r\n\r\n"),
        ])
      : coded;
  const all = Buffer.concat([head, content]).subarray(
    0,
    head.length + Math.floor(content.length * wire.sent),
  );
  const size = Math.max(1, Math.ceil(all.length / wire.pieces));
  return Array.from({ length: wire.pieces }, (_, i) => all.subarray(i * size, (i + 1) * size));
}

async function writeTo(socket: Socket, response: WireResponse): Promise<void> {
  for (const piece of bytesOf(response)) {
    await new Promise((resolve) => socket.write(piece, resolve));
  }
  if (response.wire.ends === "reset") socket.resetAndDestroy();
  else socket.end();
}

let standIn: ProviderStandIn;
const responses = new Map<string, WireResponse>();
beforeAll(async () => {
  standIn = await startRawProvider((socket, beginning) => {
    const [, path = ""] = beginning.toString("latin1").split(/[ ?]/);
    const response = responses.get(path);
    if (response !== undefined) void writeTo(socket, response);
  });
});
afterAll(() => standIn.close());

const [refreshToken = "", clientSecret = "", accessToken = ""] = sentSecrets;
const grant = oauthTokenEndpoint({
  clock: { nowMs: () => Date.UTC(2026, 0, 1) },
  allowLoopback: true,
});
let asked = 0;
/** On a machine that others use, too. */
async function refresh(
  provided: ProviderBehaviour,
  response: WireResponse | undefined,
  timeoutMs = 60_000,
): Promise<TokenResult> {
  const path = `/${++asked}`;
  if (response !== undefined) responses.set(path, response);
  // Parameters may need values that this connection's config does not state.
  const registered: RegisteredProvider = { ...provided, parameters: {} };
  const registration = clientRegistration({
    clientSecret: new Secret(clientSecret),
    tokenEndpointAuthMethod: "client_secret_post",
    tokenEndpoint: new URL(path, standIn.url).href,
    provider: registered,
  });
  const tokens = { refreshToken: new Secret(refreshToken), accessToken: new Secret(accessToken) };
  const granted = await grant.refresh(tokenRequest(registration, { ...tokens, timeoutMs }));
  responses.delete(path);
  return granted;
}

const expectNoSecretIn = (result: TokenResult): void => {
  const shown = result.kind === "granted" ? result.notes : result;
  const words = `${JSON.stringify(shown)}${inspect(shown, { depth: 9 })}`;
  for (const secret of sentSecrets) expect(words).not.toContain(secret);
};

/** Twenty requests at the same time. */
const batchOf = <Value>(one: fc.Arbitrary<Value>) =>
  fc.array(one, { minLength: 20, maxLength: 20 });

test("no response over a socket makes it reject, or repeats what was sent", async () => {
  await assertProperty(
    "batch",
    fc.asyncProperty(batchOf(fc.tuple(behaviour, wireResponse)), async (batch) => {
      const results = await Promise.all(batch.map(([one, response]) => refresh(one, response)));
      for (const result of results) {
        expectNoSecretIn(result);
        expect(["not_sent", "misconfigured", "timed_out"]).not.toContain(result.kind);
      }
    }),
  );
});

test("a response that breaks off refuses and rejects nothing", async () => {
  const broken = fc
    .tuple(wireResponse, fc.constantFrom("chunked" as const, "long" as const))
    .map(([response, framing]) => ({
      ...response,
      wire: { ...response.wire, framing, sent: 0.9 },
    }));
  await assertProperty(
    "batch",
    fc.asyncProperty(batchOf(fc.tuple(behaviour, broken)), async (batch) => {
      const results = await Promise.all(batch.map(([one, response]) => refresh(one, response)));
      for (const { kind } of results) {
        expect(["refused", "client_rejected", "rate_limited"]).not.toContain(kind);
      }
    }),
  );
});

test("tokens that came whole are never lost, however they came", async () => {
  const wholly = fc
    .tuple(wireResponse, bystanders, fc.constantFrom("exact", "chunked", "close", "long"))
    .map(([response, others, framing]) => ({
      ...response,
      body: Buffer.from(JSON.stringify({ access_token: "at-2", refresh_token: "rt-2", ...others })),
      // After a reset the bytes that were sent may never arrive; a cut is for the test before.
      wire: { ...response.wire, framing, sent: 1, ends: "properly" } as Wire,
    }));
  await assertProperty(
    "batch",
    fc.asyncProperty(batchOf(fc.tuple(behaviour, wholly)), async (batch) => {
      const results = await Promise.all(batch.map(([one, response]) => refresh(one, response)));
      for (const result of results) {
        if (result.kind !== "granted") throw new Error(`${result.kind} rather than granted`);
        expect(result.tokens.accessToken.reveal()).toBe("at-2");
        expect(result.tokens.refreshToken?.reveal()).toBe("rt-2");
      }
    }),
  );
});

test("tokens at the front of more than may be read are kept, coded or not", async () => {
  const junk = Array.from({ length: 220_000 }, (_, i) => (i * 7919) % 99_991).join();
  const long = JSON.stringify({ access_token: "at-2", refresh_token: "rt-2", junk });
  for (const coding of [undefined, "gzip", "deflate", "br"] as const) {
    const result = await refresh(
      {},
      {
        status: 200,
        headers: {},
        body: Buffer.from(long),
        wire: { coding, framing: "exact", sent: 1, ends: "properly", pieces: 1 },
      },
    );
    expect(result).toMatchObject({ kind: "granted" });
  }
});

test("silence, of any provider: timed out", async () => {
  await assertProperty(
    "batch",
    fc.asyncProperty(batchOf(behaviour), async (batch) => {
      const results = await Promise.all(batch.map((one) => refresh(one, undefined, 50)));
      for (const result of results) expect(result).toEqual({ kind: "timed_out" });
    }),
  );
});
