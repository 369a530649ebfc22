import type { ProviderEntry } from "./provider-entry.ts";
import { providersA } from "./providers/a.ts";
import { providersBToC } from "./providers/b-c.ts";
import { providersDToE } from "./providers/d-e.ts";
import { providersF } from "./providers/f.ts";
import { providersGToH } from "./providers/g-h.ts";
import { providersIToL } from "./providers/i-l.ts";
import { providersM } from "./providers/m.ts";
import { providersNToO } from "./providers/n-o.ts";
import { providersPToR } from "./providers/p-r.ts";
import { providersS } from "./providers/s.ts";
import { providersTToU } from "./providers/t-u.ts";
import { providersWToZ } from "./providers/w-z.ts";

/** Every provider whose oddities are known, by name, in the order of their names. */
export const providers = {
  ...providersA,
  ...providersBToC,
  ...providersDToE,
  ...providersF,
  ...providersGToH,
  ...providersIToL,
  ...providersM,
  ...providersNToO,
  ...providersPToR,
  ...providersS,
  ...providersTToU,
  ...providersWToZ,
} as const satisfies Readonly<Record<string, ProviderEntry>>;
