declare module "dynalite" {
  import type { Server } from "node:http";

  /** https://github.com/architect/dynalite#usage */
  export interface DynaliteOptions {
    /** A LevelDB directory. @default in memory */
    readonly path?: string;
    /** The time that a table is CREATING. @default 500 */
    readonly createTableMs?: number;
  }

  export default function dynalite(options?: DynaliteOptions): Server;
}

/** Dynalite's store, for more items than requests can write in reasonable time. */
declare module "dynalite/db/index.js" {
  import type { AttributeValue } from "@aws-sdk/client-dynamodb";

  type Item = Record<string, AttributeValue>;
  type Callback<Value> = (error: Error | null, value: Value) => void;

  interface Put {
    readonly type: "put";
    readonly key: string;
    readonly value: Item;
  }

  interface Database {
    batch(puts: readonly Put[], done: Callback<void>): void;
  }

  interface Table {
    readonly GlobalSecondaryIndexes: readonly object[];
  }

  interface Store {
    getTable(name: string, done: Callback<Table>): void;
    getItemDb(tableName: string): Database;
    getIndexDb(type: "Global", tableName: string, indexName: string): Database;
  }

  interface IndexActions {
    readonly puts: readonly { readonly index: string; readonly key: string; readonly item: Item }[];
  }

  const db: {
    create(options: { readonly path: string }): Store;
    createKey(item: Item, table: Table): string;
    getIndexActions(
      indexes: readonly object[],
      existing: undefined,
      item: Item,
      table: Table,
    ): IndexActions;
  };
  export default db;
}
