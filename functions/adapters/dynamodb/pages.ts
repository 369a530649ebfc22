import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { asStoreUnavailable } from "../aws/clients.ts";

type StartKey = Record<string, AttributeValue> | undefined;

interface Page {
  readonly LastEvaluatedKey?: StartKey;
}

/**
 * The pages of a query or a scan. A page is requested when it is read.
 * @param request for the page after a key; undefined: for the first one
 * @throws {StoreUnavailable}
 */
export async function* pages<P extends Page>(
  request: (ExclusiveStartKey: StartKey) => Promise<P>,
): AsyncGenerator<P> {
  let startKey: StartKey;
  do {
    const page = await asStoreUnavailable("DynamoDB", () => request(startKey));
    yield page;
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
}
