/**
 * Alerts by which a server's TLS stack refuses the client's certificate, or says that it misses one. The
 * server has then read nothing of a request, whatever was sent. Names of RFC 8446 §6.2.
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

/** OpenSSL's code names the oldest protocol that has the alert: `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
const alertForm = /^ERR_SSL_[A-Z0-9/]+_ALERT_([A-Z_]+)$/;

/** The alert by which a server refused the client's certificate. Undefined: another error. */
export function alertOfClientCertificate(error: unknown): string | undefined {
  const hasCode = typeof error === "object" && error !== null && "code" in error;
  const alert = alertForm.exec(hasCode ? String(error.code) : "")?.[1]?.toLowerCase();
  return alertsOfClientCertificates.find((name) => name === alert);
}
