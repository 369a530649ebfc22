import type { ProviderEntry } from "./provider-entry.ts";
import { providersAToF } from "./providers/a-f.ts";
import { providersGToM } from "./providers/g-m.ts";
import { providersNToR } from "./providers/n-r.ts";
import { providersSToZ } from "./providers/s-z.ts";

/** Every provider whose oddities are known, by name, in the order of their names. */
export const providers = {
  ...providersAToF,
  ...providersGToM,
  ...providersNToR,
  ...providersSToZ,
} as const satisfies Readonly<Record<string, ProviderEntry>>;
