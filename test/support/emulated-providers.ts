import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface EmulatedProviders {
  readonly google: EmulatedProvider;
  readonly microsoft: EmulatedProvider;
  readonly okta: EmulatedProvider;
  close(): void;
}

export interface EmulatedProvider {
  readonly tokenEndpoint: string;
  /** Completes the authorization code flow, as a user's browser and a client do. */
  authorize(): Promise<IssuedTokens>;
}

export interface IssuedTokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

export const emulatedClient = {
  id: "emulated-client",
  secret: "emulated-client-secret",
  redirectUri: "http://127.0.0.1/callback",
} as const;

const paths = {
  google: { authorization: "/o/oauth2/v2/auth", token: "/oauth2/token" },
  microsoft: { authorization: "/oauth2/v2.0/authorize", token: "/oauth2/v2.0/token" },
  okta: { authorization: "/oauth2/default/v1/authorize", token: "/oauth2/default/v1/token" },
} as const;

/** Starts stand-ins for Google, Microsoft and Okta, in a process of their own. https://www.npmjs.com/package/emulate */
export async function startEmulatedProviders(): Promise<EmulatedProviders> {
  const child = spawn(process.execPath, ["test/support/emulate.ts"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await new Promise<string[]>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (text) => resolve([text]));
    child.once("exit", (code) => reject(new Error(`the emulators ended with ${code}`)));
  });
  const urls = JSON.parse(line ?? "") as Record<keyof typeof paths, string>;
  const provider = (name: keyof typeof paths): EmulatedProvider => {
    const tokenEndpoint = `${urls[name]}${paths[name].token}`;
    const authorizationEndpoint = `${urls[name]}${paths[name].authorization}`;
    return { tokenEndpoint, authorize: () => authorize(authorizationEndpoint, tokenEndpoint) };
  };
  return {
    google: provider("google"),
    microsoft: provider("microsoft"),
    okta: provider("okta"),
    close: () => child.kill("SIGKILL"),
  };
}

async function authorize(
  authorizationEndpoint: string,
  tokenEndpoint: string,
): Promise<IssuedTokens> {
  const { id, secret, redirectUri } = emulatedClient;
  const query = new URLSearchParams({
    client_id: id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid email offline_access",
    access_type: "offline",
    prompt: "consent",
    state: "s",
  });
  const page = await (await fetch(`${authorizationEndpoint}?${query}`)).text();
  const [, action = "", fields = ""] =
    /<form[^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page) ?? [];
  const inputs = fields.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g);
  const consent = await fetch(new URL(unescaped(action), authorizationEndpoint), {
    method: "POST",
    body: new URLSearchParams(
      [...inputs].map(([, name = "", value = ""]): [string, string] => [name, unescaped(value)]),
    ),
    redirect: "manual",
  });
  const code = new URL(consent.headers.get("location") ?? "").searchParams.get("code") ?? "";
  const response = await fetch(tokenEndpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      client_id: id,
      client_secret: secret,
    }),
  });
  const tokens = (await response.json()) as IssuedTokens;
  if (!tokens.refresh_token) throw new Error(`no refresh token: ${JSON.stringify(tokens)}`);
  return tokens;
}

const unescaped = (html: string): string =>
  html.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#x2F;", "/");
