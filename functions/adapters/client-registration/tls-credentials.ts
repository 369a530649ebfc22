import { type KeyObject, X509Certificate } from "node:crypto";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import { isoSecond } from "../../domain/model/instant.ts";
import { Secret } from "../../domain/model/secret.ts";
import type { TlsCredentials } from "../../domain/ports/client-registration.ts";
import { type Check, invalid, type Place } from "../../validation/check.ts";
import type { JsonObject } from "../../validation/structures.ts";
import { pkcs8Pem, privateKeyFromPem, UnusableKey } from "./private-key.ts";

const certificateMember = "tls_client_certificate";
const keyMember = "tls_client_private_key";

/**
 * Reads the client's certificate for the TLS handshake (RFC 8705 §2): `tls_client_certificate`, a chain in PEM with
 * the client's own certificate first, and `tls_client_private_key` in PEM.
 *
 * @returns undefined: the secret has neither, or a fault was reported
 */
export function parseTlsCredentials(
  { [certificateMember]: chain, [keyMember]: key }: JsonObject,
  place: Place,
): TlsCredentials | undefined {
  if (chain === undefined && key === undefined) return undefined;
  const certificates = requiredBeside(keyMember, certificateChain)(
    chain,
    place.at(certificateMember),
  );
  const privateKey = requiredBeside(certificateMember, pemKey)(key, place.at(keyMember));
  if (certificates === invalid || privateKey === invalid) return undefined;
  const [own] = certificates;
  if (!own.checkPrivateKey(privateKey)) {
    place.at(keyMember).reject("value_error", "is not the key of the first certificate");
    return undefined;
  }
  return {
    certificateChain: certificates.join(""),
    privateKey: new Secret(pkcs8Pem(privateKey)),
    validFromMs: own.validFromDate.getTime(),
    validToMs: own.validToDate.getTime(),
  };
}

const requiredBeside =
  <Value>(other: string, check: Check<Value>): Check<Value> =>
  (value, place) =>
    value === undefined ? place.reject("missing", `required beside ${other}`) : check(value, place);

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const certificateChain: Check<readonly [X509Certificate, ...X509Certificate[]]> = (
  value,
  place,
) => {
  try {
    const pems = typeof value === "string" ? (value.match(pemCertificate) ?? []) : [];
    const [own, ...others] = pems.map((pem) => new X509Certificate(pem));
    if (own !== undefined) return [own, ...others];
  } catch {
    // The fault below says it.
  }
  return place.reject("value_error", "expected one or more certificates in PEM");
};

const pemKey: Check<KeyObject> = (value, place) => {
  if (typeof value !== "string") return place.reject("string_type", "expected PEM");
  try {
    return privateKeyFromPem(value);
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    return place.reject("value_error", error.message);
  }
};

/** @throws {MisconfiguredRegistration} the certificate is not valid yet, or not any more */
export function assertCertificateIsValid(
  { validFromMs, validToMs }: TlsCredentials,
  nowMs: number,
): void {
  if (nowMs > validToMs) {
    throw new MisconfiguredRegistration(
      `${certificateMember} expired at ${isoSecond(validToMs)}: store a new one`,
    );
  }
  if (nowMs < validFromMs) {
    throw new MisconfiguredRegistration(
      `${certificateMember} is not valid before ${isoSecond(validFromMs)}`,
    );
  }
}
