import { quoted } from "./env-file.ts";
import type { Exchange } from "./gateway.ts";
import { demo } from "./seed.ts";
import type { LocalService } from "./service.ts";
import type { LocalSettings } from "./settings.ts";

/** The message that a person reads after the start. Its last line begins with `ready`. */
export function welcome(
  { apiUrl, apiKey, envFile, sweepIntervalSeconds }: LocalService,
  { dataDirectory, schedule }: LocalSettings,
  startedInMs: number,
): string {
  const url = `${apiUrl}/api/v1/oauth/refresh/${demo.connectionId}`;
  return `
  OAuth token refresh, on this machine

  API          ${apiUrl}
  Environment  ${envFile}: source it, then try  npm run admin -- --help
  Schedule     ${schedule ? `starts a sweep every ${sweepIntervalSeconds} s, and logs here what it refreshes` : "off"}
  Data         ${dataDirectory ?? "in memory; set DATA_DIR to keep it"}

  Refresh the seeded connection:

  curl -i -X POST ${quoted(url)} -H ${quoted(`Authorization: Bearer ${apiKey}`)}

ready in ${(startedInMs / 1000).toFixed(1)} s, press Ctrl-C to stop`;
}

/** One line for each response: `12:00:00  POST /api/v1/oauth/refresh/conn_demo  200 refreshed  34 ms`. */
export function exchangeLine(exchange: Exchange, now: Date): string {
  const { method, path, response, durationMs, requestId } = exchange;
  const time = now.toTimeString().slice(0, 8);
  const request = `${method} ${path}`.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
  const outcome = response.headers["X-Refresh-Outcome"] ?? problemCode(response.body);
  const line = `${time}  ${request}  ${response.status} ${outcome}  ${Math.round(durationMs)} ms`;
  return response.status < 500 ? line : `${line}  request ${requestId}`;
}

function problemCode(body: string | Buffer): string {
  try {
    return String(JSON.parse(body.toString()).code ?? "");
  } catch {
    return "";
  }
}
