import { hash, timingSafeEqual } from "node:crypto";
import type { KeyDigest } from "../../domain/ports/authentication.ts";

/** An API key is 256 random bits: one fast round of SHA-256 protects it. */
export const keyDigest: KeyDigest = {
  of: (key) => hash("sha256", key.reveal(), "hex"),
  areEqual(one, other) {
    const [left, right] = [Buffer.from(one), Buffer.from(other)];
    return left.length === right.length && timingSafeEqual(left, right);
  },
};
