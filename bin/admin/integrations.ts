import { Command, Option } from "commander";
import { secretsManagerClient } from "../../functions/adapters/aws/clients.ts";
import {
  catalogue,
  registeredProvider,
} from "../../functions/adapters/client-registration/registered-provider.ts";
import { ownValue } from "../../functions/adapters/provider-catalogue/stated-values.ts";
import {
  type ListedRegistration,
  type RegistrationAdmin,
  secretsRegistrationAdmin,
} from "../../functions/adapters/secrets-manager/registration-admin.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  clientAuthenticationMethods,
  refreshPolicies,
} from "../../functions/domain/ports/client-registration.ts";
import { registrationName, wholeNumber } from "./arguments.ts";
import {
  type CredentialOptions,
  credentialHelp,
  credentialRow,
  readCredentials,
  withCredentialOptions,
} from "./client-credentials.ts";
import { holdReader, releaseCommand } from "./holds.ts";
import { type AdminIo, requireEnvironment } from "./io.ts";
import { type OutputOptions, print, printAll, type Row } from "./output.ts";
import { rebindCommand } from "./rebind.ts";
import { replacement } from "./replacement.ts";

interface PutOptions extends OutputOptions, CredentialOptions {
  readonly provider?: string;
  readonly tokenEndpoint?: string;
  readonly issuer?: string;
  readonly clientId: string;
  readonly auth?: ClientAuthenticationMethod;
  readonly refreshPolicy?: string;
  readonly refreshTokenIdleSeconds?: number;
  readonly set?: Readonly<Record<string, unknown>>;
}

/** Client registrations: the credentials of an OAuth app at its provider. */
export const integrationCommands = (io: AdminIo): Command =>
  new Command("integrations")
    .description("client registrations at providers")
    .addCommand(putCommand(io))
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(releaseCommand(io))
    .addCommand(rebindCommand(io));

function putCommand(io: AdminIo): Command {
  const put = new Command("put")
    .description("create a client registration, or replace it as a whole")
    .argument("<integration>", "the integration's name", registrationName)
    .option("--provider <name>", "an entry of the catalogue; see: providers list")
    .option("--token-endpoint <url>", "may hold {variables}, which a connection's config fills")
    .option("--issuer <url>", "the issuer whose metadata names the token endpoint")
    .requiredOption("--client-id <id>", "the client identifier")
    .addOption(
      new Option("--auth <method>", "token_endpoint_auth_method of RFC 7591").choices(
        clientAuthenticationMethods,
      ),
    )
    .addOption(
      new Option("--refresh-policy <policy>", "when connections are refreshed").choices(
        refreshPolicies,
      ),
    )
    .option(
      "--refresh-token-idle-seconds <n>",
      "the lifetime of an unused refresh token",
      wholeNumber,
    )
    .option("--set <field=value>", "replace a field of the entry; repeatable", replacement);
  return withCredentialOptions(put)
    .option("--json", "print JSON")
    .addHelpText("after", putHelp)
    .action((name: RegistrationName, options: PutOptions) => putIntegration(io, name, options));
}

const listCommand = (io: AdminIo): Command =>
  new Command("list")
    .description("list the client registrations and their holds")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  npm run admin -- integrations list")
    .action(async (options: OutputOptions) => {
      const admin = registrations(io);
      const holdsOf = holdReader(io);
      const listed = await admin.list();
      const holds = await Promise.all(listed.map(({ name }) => holdsOf(name)));
      const rows = listed.map((one, n) => ({ ...listedRow(one), holds: holds[n] ?? [] }));
      printAll(io, options, rows, "no client registrations");
    });

const showCommand = (io: AdminIo): Command =>
  new Command("show")
    .description("show a client registration, its secret redacted, and its holds")
    .argument("<integration>", "the integration's name", registrationName)
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  npm run admin -- integrations show acme --json")
    .action(async (name: RegistrationName, options: OutputOptions) => {
      const registration = await registrations(io).show(name);
      const holds = await holdReader(io)(name);
      print(io, options, { ...registrationRow(registration), holds });
    });

const putHelp = `${credentialHelp}
One of --provider, --token-endpoint and --issuer is required. --set replaces a field that providers show lists. Its
value is JSON, or text where it is not valid JSON.

Examples:
  npm run admin -- integrations put acme --token-endpoint https://acme.example/oauth/token --client-id c < secret
  npm run admin -- integrations put mail --provider google --client-id c < secret
  npm run admin -- integrations put crm --provider salesforce --client-id c --set rotation=always < secret
  npm run admin -- integrations put local --token-endpoint http://127.0.0.1:9000/token --client-id c --auth none
  npm run admin -- integrations put kc --issuer https://kc.example/realms/acme --client-id c --auth private_key_jwt < key.pem
  npm run admin -- integrations put bank --issuer https://bank.example --client-id c --auth tls_client_auth --certificate c.pem --certificate-key k.pem`;

async function putIntegration(
  io: AdminIo,
  name: RegistrationName,
  options: PutOptions,
): Promise<void> {
  const { provider, auth, clientId, tokenEndpoint, issuer } = options;
  const { refreshPolicy, refreshTokenIdleSeconds } = options;
  const admin = registrations(io);
  const method = auth ?? ownValue(catalogue, provider ?? "")?.tokenEndpointAuthMethod;
  const { outcome, registration } = await admin.put(name, {
    ...(await readCredentials(io, method ?? "client_secret_basic", options)),
    ...{ clientId, tokenEndpointAuthMethod: auth, provider, tokenEndpoint, issuer },
    ...{ refreshPolicy, refreshTokenIdleSeconds, replacements: options.set },
  });
  print(io, options, { outcome, ...registrationRow(registration) });
}

function registrations({ environment }: AdminIo): RegistrationAdmin {
  const { SECRET_PREFIX: prefix } = requireEnvironment(environment, "SECRET_PREFIX");
  return secretsRegistrationAdmin({ client: secretsManagerClient(), prefix });
}

const registrationRow = (registration: ClientRegistration): Row => ({
  name: registration.name,
  provider: registeredProvider(registration).entryName,
  client_id: registration.clientId,
  client_secret: registration.clientSecret?.toString(),
  token_endpoint_auth_method: registration.tokenEndpointAuthMethod,
  token_endpoint: registration.tokenEndpoint,
  ...credentialRow(registration),
  refresh_policy: registration.refreshPolicy,
  refresh_token_idle_seconds: registration.refreshTokenIdleSeconds,
  refresh_token_absolute_seconds: registration.refreshTokenAbsoluteSeconds,
});

const listedRow = (listed: ListedRegistration): Row =>
  "fault" in listed
    ? { name: listed.name, fault: listed.fault }
    : {
        name: listed.name,
        provider: registeredProvider(listed.registration).entryName,
        client_id: listed.registration.clientId,
        token_endpoint_auth_method: listed.registration.tokenEndpointAuthMethod,
        token_endpoint: listed.registration.tokenEndpoint,
        issuer: listed.registration.issuer,
        refresh_policy: listed.registration.refreshPolicy,
      };
