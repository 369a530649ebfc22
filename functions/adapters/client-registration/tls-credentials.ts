import { type KeyObject, X509Certificate } from "node:crypto";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import { isoSecond } from "../../domain/model/instant.ts";
import { Secret } from "../../domain/model/secret.ts";
import type { TlsCredentials } from "../../domain/ports/client-registration.ts";
import { pkcs8Pem, privateKeyFromPem, UnusableKey } from "./private-key.ts";

const certificateMember = "tls_client_certificate";
const keyMember = "tls_client_private_key";

/**
 * What the client shows in a TLS handshake (RFC 8705 §2): `tls_client_certificate`, a chain in PEM
 * with the client's own certificate first, and `tls_client_private_key` in PEM. Undefined where there
 * is neither, or a fault.
 *
 * @param faults gets every member at fault, and no value
 */
export function parseTlsCredentials(
  { [certificateMember]: chain, [keyMember]: key }: Readonly<Record<string, unknown>>,
  faults: string[],
): TlsCredentials | undefined {
  if (chain === undefined && key === undefined) return undefined;
  const certificates = parseChain(chain, faults);
  const privateKey = parseKey(key, faults);
  const [own] = certificates ?? [];
  if (certificates === undefined || own === undefined || privateKey === undefined) return undefined;
  if (!own.checkPrivateKey(privateKey)) {
    faults.push(`${keyMember}: is not the key of the first certificate`);
    return undefined;
  }
  return {
    certificateChain: certificates.join(""),
    privateKey: new Secret(pkcs8Pem(privateKey)),
    validFromMs: own.validFromDate.getTime(),
    validToMs: own.validToDate.getTime(),
  };
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function parseChain(chain: unknown, faults: string[]): readonly X509Certificate[] | undefined {
  if (chain === undefined) faults.push(`${certificateMember}: required beside ${keyMember}`);
  else {
    try {
      const pems = typeof chain === "string" ? (chain.match(pemCertificate) ?? []) : [];
      if (pems.length > 0) return pems.map((pem) => new X509Certificate(pem));
    } catch {
      // Said below.
    }
    faults.push(`${certificateMember}: has to be one or more certificates in PEM`);
  }
  return undefined;
}

function parseKey(key: unknown, faults: string[]): KeyObject | undefined {
  if (key === undefined) faults.push(`${keyMember}: required beside ${certificateMember}`);
  else if (typeof key !== "string") faults.push(`${keyMember}: has to be PEM`);
  else {
    try {
      return privateKeyFromPem(key);
    } catch (error) {
      if (!(error instanceof UnusableKey)) throw error;
      faults.push(`${keyMember}: ${error.message}`);
    }
  }
  return undefined;
}

/** @throws {MisconfiguredRegistration} the certificate does not count yet, or no more */
export function assertCertificateIsValid(
  { validFromMs, validToMs }: TlsCredentials,
  nowMs: number,
): void {
  if (nowMs > validToMs) {
    throw new MisconfiguredRegistration(`${certificateMember} ended at ${isoSecond(validToMs)}`);
  }
  if (nowMs < validFromMs) {
    throw new MisconfiguredRegistration(`${certificateMember} begins at ${isoSecond(validFromMs)}`);
  }
}
