import { InvalidArgumentError } from "commander";
import { configMembers } from "../../functions/adapters/client-registration/registered-provider.ts";
import { replaceableMembers } from "../../functions/adapters/provider-catalogue/provider-fields.ts";
import { suggestionText } from "../../functions/adapters/provider-catalogue/suggestions.ts";

/** The members of a registration's secret that have no option of their own. */
const fields = [...replaceableMembers, "refresh_endpoint", "config", ...configMembers];

/**
 * `field=value`, repeatable. The value is JSON, or text where it is not valid JSON.
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
      `There is no field of this name${suggestionText(field, fields)}.`,
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
