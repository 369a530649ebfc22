import { gatewayTimeoutMs } from "../../functions/domain/model/budget.ts";
import { isObject } from "../../functions/validation/structures.ts";
import { CommandFailed } from "./io.ts";

export interface RefreshCall {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly connectionId: string;
  /** Undefined: the key's default workspace. */
  readonly workspaceId: string | undefined;
  readonly body: { readonly force?: true; readonly min_ttl_seconds?: number };
}

export interface RefreshResponse {
  readonly status: number;
  /** `X-Refresh-Outcome` */
  readonly outcome: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Longer than the gateway's own timeout. */
const timeoutMs = gatewayTimeoutMs + 6_000;

/**
 * Requests a refresh from the API, as any caller does.
 * @throws {CommandFailed} there is no response, or it is not this API's
 */
export async function callRefresh(call: RefreshCall): Promise<RefreshResponse> {
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
    throw new CommandFailed(
      `no response from ${url.origin} (${reasonOf(error)}). Check API_URL, and that the service runs`,
      error,
    );
  });
  const outcome = response.headers.get("X-Refresh-Outcome") ?? undefined;
  return { status: response.status, outcome, body: await readObject(response, url) };
}

async function readObject(response: Response, url: URL): Promise<RefreshResponse["body"]> {
  const body: unknown = await response.json().catch(() => undefined);
  if (isObject(body)) return body;
  throw new CommandFailed(
    `${url.origin} responded with ${response.status} and without JSON. Check that API_URL is the address of this API`,
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { cause } = error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return error.name;
}
