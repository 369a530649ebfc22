/**
 * What a server's TLS stack says when it does not take the client's certificate, or misses one: it has
 * seen nothing of a request then, whatever was sent. Names of RFC 8446 §6.2.
 */
const alertsOfClientCertificates = [
  "bad_certificate",
  "unsupported_certificate",
  "certificate_revoked",
  "certificate_expired",
  "certificate_unknown",
  "unknown_ca",
  "access_denied",
  "certificate_required",
];

/** OpenSSL puts the oldest protocol that has the alert before its name: `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
const alertForm = /^ERR_SSL_[A-Z0-9/]+_ALERT_([A-Z_]+)$/;

/** The alert by which a server turned the client's certificate away; undefined: another error. */
export function alertOfClientCertificate(error: unknown): string | undefined {
  const hasCode = typeof error === "object" && error !== null && "code" in error;
  const alert = alertForm.exec(hasCode ? String(error.code) : "")?.[1]?.toLowerCase();
  return alertsOfClientCertificates.find((name) => name === alert);
}
