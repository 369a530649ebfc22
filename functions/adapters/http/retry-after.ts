import type { IncomingHttpHeaders } from "node:http";

/** A header that is misread, or not meant, puts nobody off for longer; asking early costs one more refusal. */
const maximumDelayMs = 60 * 60 * 1000;

/** `Retry-After` (RFC 9110 §10.2.3): seconds or a date, from 0 to one hour. Undefined: absent or neither. */
export function retryAfterMs(
  headers: IncomingHttpHeaders,
  receivedAtMs: number,
): number | undefined {
  const value = headers["retry-after"]?.trim() ?? "";
  const delayMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : httpDateMs(value) - (httpDateMs(headers.date ?? "") || receivedAtMs);
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), maximumDelayMs);
}

/**
 * RFC 9110 §5.6.7, any of its forms, the one that names no zone included: all are in UTC. The sender's
 * clock counts where it says what time it is.
 */
const httpDateMs = (value: string): number =>
  /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(`${value.replace(/ GMT$/, "")} GMT`) : Number.NaN;
