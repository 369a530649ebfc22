import { Command } from "commander";
import { catalogue } from "../../functions/adapters/client-registration/registered-provider.ts";
import type { ProviderEntry } from "../../functions/adapters/provider-catalogue/provider-entry.ts";
import { secretMembersOf } from "../../functions/adapters/provider-catalogue/provider-fields.ts";
import { ownValue } from "../../functions/adapters/provider-catalogue/stated-values.ts";
import { suggestionText } from "../../functions/adapters/provider-catalogue/suggestions.ts";
import { type AdminIo, CommandFailed } from "./io.ts";
import { type OutputOptions, print, printAll, type Row } from "./output.ts";

/** Shows the catalogue. It sends no request to a provider. */
export function providerCommands(io: AdminIo): Command {
  const commands = new Command("providers").description("the catalogue of providers");
  commands
    .command("list")
    .description("list the names for integrations put --provider")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  npm run admin -- providers list")
    .action((options: OutputOptions) =>
      printAll(io, options, Object.entries(catalogue).map(listedRow), "the catalogue is empty"),
    );
  commands
    .command("show")
    .description("show all fields of a provider's entry")
    .argument("<provider>", "the provider's name")
    .option("--json", "print JSON")
    .addHelpText("after", showHelp)
    .action((name: string, options: OutputOptions) => show(io, name, options));
  return commands;
}

const showHelp = `
An integration can replace each field: integrations put --set <field>=<value>.

Example:
  npm run admin -- providers show google`;

const listedRow = ([name, entry]: [string, ProviderEntry]): Row => ({
  name,
  title: entry.title,
  rotation: entry.rotation,
  variables: Object.keys(entry.variables ?? {}),
  verified: entry.verified,
});

function show(io: AdminIo, name: string, options: OutputOptions): void {
  const entry = ownValue(catalogue, name);
  if (entry === undefined) {
    const hint = suggestionText(name, Object.keys(catalogue));
    throw new CommandFailed(`the catalogue has no provider ${name}${hint}`);
  }
  const members = { name, ...secretMembersOf(entry) };
  if (options.json) io.stdout.write(`${JSON.stringify(members, null, 2)}\n`);
  else print(io, options, Object.fromEntries(Object.entries(members).map(shownMember)));
}

/** Shows an object or a list as JSON, as in a registration's secret. */
const shownMember = ([name, value]: [string, unknown]): [string, string | number] => [
  name,
  typeof value === "string" || typeof value === "number" ? value : JSON.stringify(value),
];
