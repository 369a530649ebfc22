import { InvalidArgumentError } from "commander";
import { configMembers } from "../../functions/adapters/client-registration/registered-provider.ts";
import { nearNamesHint } from "../../functions/adapters/json/suggestions.ts";
import { replaceableMembers } from "../../functions/adapters/provider-catalogue/provider-fields.ts";

/** What a registration's secret says beside the members that have options of their own. */
const fields = [...replaceableMembers, "refresh_endpoint", "config", ...configMembers];

/**
 * `field=value`, repeated: the value is JSON, or else text.
 * @throws {InvalidArgumentError} there is no such field
 */
export function replacement(
  text: string,
  former: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, field, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (field === undefined || value === undefined) {
    throw new InvalidArgumentError("Expected field=value.");
  }
  if (!fields.includes(field)) {
    throw new InvalidArgumentError(
      `There is no field of this name${nearNamesHint(field, fields)}.`,
    );
  }
  return { ...former, [field]: jsonOrText(value) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
