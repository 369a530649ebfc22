import type { IncomingHttpHeaders } from "node:http";

/** Limits the effect of a header that is misread or not meant. An early request costs one more refusal. */
const maximumDelayMs = 60 * 60 * 1000;

/** `Retry-After` (RFC 9110 §10.2.3): seconds or a date, from 0 to one hour. Undefined: absent or neither. */
export function retryAfterMs(
  headers: IncomingHttpHeaders,
  receivedAtMs: number,
): number | undefined {
  const value = headers["retry-after"]?.trim() ?? "";
  const delayMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : // The server's own clock counts where it states the time.
      httpDateMs(value) - (httpDateMs(headers.date ?? "") || receivedAtMs);
  return bounded(delayMs);
}

/**
 * The member `retry_after` of a body, which some servers send instead of the header: seconds, from 0 to one hour.
 * https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit
 */
export const retryAfterMemberMs = (value: unknown): number | undefined =>
  typeof value === "number" || (typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value))
    ? bounded(Math.ceil(Number(value) * 1000))
    : undefined;

const bounded = (delayMs: number): number | undefined =>
  Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), maximumDelayMs);

/** RFC 9110 §5.6.7, in any of its forms. All are in UTC, also the one that names no zone. NaN: not a date. */
const httpDateMs = (value: string): number =>
  /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(`${value.replace(/ GMT$/, "")} GMT`) : Number.NaN;
