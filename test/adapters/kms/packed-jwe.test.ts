import fc from "fast-check";
import { isPacked, pack, unpack } from "../../../functions/adapters/kms/packed-jwe.ts";
import type { SealedTokenSet } from "../../../functions/domain/model/connection.ts";
import { assertProperty } from "../../support/property.ts";

const part = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

test("a packed JWE unpacks to the same JWE, and differs from a compact one", () => {
  const jwes = fc
    .record({
      header: fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ value }))),
      iv: fc.uint8Array({ minLength: 12, maxLength: 12 }),
      ciphertext: fc.uint8Array({ maxLength: 300 }),
      tag: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    })
    .map(({ header, iv, ciphertext, tag }) =>
      [part(header), "", part(iv), part(ciphertext), part(tag)].join("."),
    );
  assertProperty(
    "value",
    fc.property(jwes, (jwe) => {
      const packed = pack(jwe);
      expect(isPacked(packed)).toBe(true);
      expect(isPacked(jwe as SealedTokenSet)).toBe(false);
      expect(unpack(packed)).toBe(jwe);
    }),
  );
});

test("other bytes are not a packed JWE", () => {
  assertProperty(
    "value",
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const unpacked = unpack(part(bytes) as SealedTokenSet);
      expect(unpacked === undefined || unpacked.split(".").length === 5).toBe(true);
    }),
  );
});
