import type { ProviderEntry } from "./provider-entry.ts";
import { providersA } from "./providers/a.ts";
import { providersBToC } from "./providers/b-c.ts";
import { providersDToE } from "./providers/d-e.ts";
import { providersF } from "./providers/f.ts";
import { providersGToH } from "./providers/g-h.ts";
import { providersIToL } from "./providers/i-l.ts";
import { providersNToR } from "./providers/n-r.ts";
import { providersSToZ } from "./providers/s-z.ts";

/** Every provider whose oddities are known, by name, in the order of their names. */
export const providers = {
  ...providersA,
  ...providersBToC,
  ...providersDToE,
  ...providersF,
  ...providersGToH,
  ...providersIToL,
  ...providersNToR,
  ...providersSToZ,
} as const satisfies Readonly<Record<string, ProviderEntry>>;
