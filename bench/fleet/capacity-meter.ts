import type { ConsumedCapacity, DynamoDBClient } from "@aws-sdk/client-dynamodb";

export interface Consumed {
  readonly table: number;
  /** Undefined: the engine does not report it. */
  readonly index: number | undefined;
}

/** Adds `ReturnConsumedCapacity` to all requests of a client. @returns a function that measures one request */
export function meter(client: DynamoDBClient, indexName: string) {
  let last: ConsumedCapacity | undefined;
  client.middlewareStack.add(
    (next) => async (request) => {
      Object.assign(request.input, { ReturnConsumedCapacity: "INDEXES" });
      const response = await next(request);
      if ("ConsumedCapacity" in response.output) {
        // Each measured request is for one table.
        last = response.output.ConsumedCapacity as ConsumedCapacity;
      }
      return response;
    },
    { step: "initialize" },
  );
  return async (request: () => Promise<unknown>): Promise<Consumed> => {
    last = undefined;
    await request();
    const { CapacityUnits, Table, GlobalSecondaryIndexes } = consumedIn(last);
    const index = GlobalSecondaryIndexes?.[indexName]?.CapacityUnits;
    return { table: Table?.CapacityUnits ?? (CapacityUnits ?? 0) - (index ?? 0), index };
  };
}

function consumedIn(capacity: ConsumedCapacity | undefined): ConsumedCapacity {
  if (capacity === undefined) throw new Error("the engine does not report consumed capacity");
  return capacity;
}
