import type { ProviderEntry } from "../provider-entry.ts";

export const providersGToM = {} as const satisfies Readonly<Record<string, ProviderEntry>>;
