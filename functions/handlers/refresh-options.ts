import type { Check } from "../validation/check.ts";
import { type Members, optional, refined } from "../validation/structures.ts";
import { boolean, integer } from "../validation/values.ts";

/** The options of a refresh. */
export interface RefreshOptions {
  readonly minTtlSeconds: number | undefined;
  readonly force: boolean | undefined;
}

const maximumMinTtlSeconds = 31_536_000;

export const optionChecks = {
  min_ttl_seconds: optional(integer(0, maximumMinTtlSeconds)),
  force: optional(boolean),
};

type OptionMembers = Members<typeof optionChecks>;

/** Accepts one of the two options, not both. */
export const oneOption = <Value extends OptionMembers>(check: Check<Value>): Check<Value> =>
  refined(check, ({ min_ttl_seconds, force }, place) => {
    if (min_ttl_seconds === undefined || !force) return;
    place.reject("value_error", "min_ttl_seconds and force exclude each other");
  });

export const optionsIn = ({ min_ttl_seconds, force }: OptionMembers): RefreshOptions => ({
  minTtlSeconds: min_ttl_seconds,
  force,
});
