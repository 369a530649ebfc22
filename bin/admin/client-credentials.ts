import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import type { ClientRegistrationDraft } from "../../functions/adapters/client-registration/client-registration.ts";
import { isoSecond } from "../../functions/domain/model/instant.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  dpopAlgorithms,
  signingAlgorithms,
} from "../../functions/domain/ports/client-registration.ts";
import { type AdminIo, CommandFailed } from "./io.ts";
import type { Row } from "./output.ts";
import { readSecret, readText } from "./secret-input.ts";

/** Options for a client's authentication, and for the key that its tokens are bound to. */
export interface CredentialOptions {
  readonly signingAlg?: string;
  readonly keyId?: string;
  readonly audience?: string;
  readonly certificate?: string;
  readonly certificateKey?: string;
  readonly dpop?: true;
  readonly dpopAlg?: string;
}

export const withCredentialOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--signing-alg <alg>",
        "the private key's signature algorithm; default: by the type of the key",
      ).choices(signingAlgorithms),
    )
    .option("--key-id <kid>", "the private key's id (kid) at the provider")
    .option(
      "--audience <aud>",
      "the audience of assertions; default: the issuer, else the token endpoint",
    )
    .option("--certificate <file>", "the client's certificate and its chain, PEM")
    .option("--certificate-key <file>", "the certificate's private key, PEM")
    .option("--dpop", "bind tokens to a key of each connection (RFC 9449)")
    .addOption(
      new Option("--dpop-alg <alg>", "the algorithm of new DPoP keys").choices(dpopAlgorithms),
    );

export const credentialHelp = `
Stdin holds the client secret, or with --auth private_key_jwt the private key (PEM, a JWK or a JWK Set). It is not
read with --auth none and with the TLS methods, which take the files of --certificate and --certificate-key.`;

type Credentials = Pick<ClientRegistrationDraft, "clientSecret" | "credentials">;

/**
 * The members that a registration's secret needs for its authentication method.
 * @throws {CommandFailed} a file or stdin cannot be read
 */
export async function readCredentials(
  io: AdminIo,
  method: ClientAuthenticationMethod,
  options: CredentialOptions,
): Promise<Credentials> {
  const key = method === "private_key_jwt" ? await readPrivateKey(io) : {};
  const credentials = {
    ...key,
    private_key_id: options.keyId,
    token_endpoint_auth_signing_alg: options.signingAlg,
    token_endpoint_auth_audience: options.audience,
    tls_client_certificate: await readPem("--certificate", options.certificate),
    tls_client_private_key: await readPem("--certificate-key", options.certificateKey),
    dpop_bound_access_tokens: options.dpop,
    dpop_signing_alg: options.dpopAlg,
  };
  const clientSecret = method.startsWith("client_secret_")
    ? await readSecret(io, "client secret")
    : undefined;
  return { clientSecret, credentials: new Secret(credentials) };
}

type PrivateKeyMembers = { readonly private_key: unknown } | { readonly jwks: unknown };

/** Distinguishes the formats of a key. The registration validates it. */
async function readPrivateKey(io: AdminIo): Promise<PrivateKeyMembers> {
  if (io.stdin.isTTY === true)
    throw new CommandFailed(
      "the private key is read from stdin. Redirect it, for example: < key.pem",
    );
  const text = (await readText(io, "private key")).trim();
  if (text === "") throw new CommandFailed("stdin holds no private key");
  if (!text.startsWith("{")) return { private_key: `${text}\n` };
  const key = parseKey(text);
  return "keys" in key ? { jwks: key } : { private_key: key };
}

function parseKey(text: string): object {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the key.
    throw new CommandFailed("the private key on stdin is neither PEM nor valid JSON");
  }
}

async function readPem(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CommandFailed(`the file of ${option} cannot be read`, cause);
  }
}

/** The public part of the credentials. Secrets are redacted. */
export const credentialRow = ({
  issuer,
  signingKey,
  assertionAudience,
  tlsCredentials,
  dpopAlgorithm,
}: ClientRegistration): Row => ({
  issuer,
  signing_alg: signingKey?.algorithm,
  private_key: signingKey?.privateKey.toString(),
  private_key_id: signingKey?.keyId,
  assertion_audience: assertionAudience,
  certificate_ends_at: tlsCredentials && isoSecond(tlsCredentials.validToMs),
  dpop_alg: dpopAlgorithm,
});
