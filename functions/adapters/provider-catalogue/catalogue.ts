import { providersA } from "./entries/a.ts";
import { providersBToC } from "./entries/b-c.ts";
import { providersDToE } from "./entries/d-e.ts";
import { providersF } from "./entries/f.ts";
import { providersGToH } from "./entries/g-h.ts";
import { providersIToL } from "./entries/i-l.ts";
import { providersM } from "./entries/m.ts";
import { providersNToO } from "./entries/n-o.ts";
import { providersPToR } from "./entries/p-r.ts";
import { providersS } from "./entries/s.ts";
import { providersTToU } from "./entries/t-u.ts";
import { providersWToZ } from "./entries/w-z.ts";
import type { ProviderEntry } from "./provider-entry.ts";

/** The providers that depart from RFC 6749 in a known way, in the order of their names. */
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
