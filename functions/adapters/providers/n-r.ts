import type { ProviderEntry } from "../provider-entry.ts";

export const providersNToR = {} as const satisfies Readonly<Record<string, ProviderEntry>>;
