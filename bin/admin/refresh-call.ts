import { gatewayTimeoutMs } from "../../functions/domain/model/budget.ts";
import { CommandFailed } from "./io.ts";

export interface RefreshCall {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly connectionId: string;
  /** Undefined: the key's default. */
  readonly workspaceId: string | undefined;
  readonly body: { readonly force?: true; readonly min_ttl_seconds?: number };
}

export interface RefreshAnswer {
  readonly status: number;
  /** `X-Refresh-Outcome` */
  readonly outcome: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The gateway answers by itself before that. */
const timeoutMs = gatewayTimeoutMs + 6_000;

/**
 * Asks the API for a refresh, as any caller does.
 * @throws {CommandFailed} there is no answer, or none of this API's
 */
export async function callRefresh(call: RefreshCall): Promise<RefreshAnswer> {
  const path = `api/v1/oauth/refresh/${encodeURIComponent(call.connectionId)}`;
  const url = URL.parse(path, call.apiUrl.replace(/\/*$/, "/"));
  if (url === null) throw new CommandFailed("API_URL: expected an http or https address");
  const response = await fetch(url, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${call.apiKey}`,
      "Content-Type": "application/json",
      ...(call.workspaceId !== undefined && { "X-Workspace-Id": call.workspaceId }),
    },
    body: JSON.stringify(call.body),
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw new CommandFailed(`${url.origin} does not answer (${reasonOf(error)})`, error);
  });
  const outcome = response.headers.get("X-Refresh-Outcome") ?? undefined;
  return { status: response.status, outcome, body: await readObject(response, url) };
}

async function readObject(response: Response, url: URL): Promise<RefreshAnswer["body"]> {
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return { ...body };
  throw new CommandFailed(`${url.origin} answered ${response.status} and no JSON: is it this API?`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { cause } = error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return error.name;
}
