declare module "dynalite" {
  import type { Server } from "node:http";

  /** https://github.com/architect/dynalite#usage */
  export interface DynaliteOptions {
    /** A LevelDB directory; in memory without it. */
    readonly path?: string;
    /** How long a table is CREATING. @default 500 */
    readonly createTableMs?: number;
  }

  export default function dynalite(options?: DynaliteOptions): Server;
}
