import type { Context } from "aws-lambda";
import type { Sweep, SweepRequest } from "../domain/sweep.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { validated } from "../validation/check.ts";
import { isObject, object, refined, withDefault } from "../validation/structures.ts";
import { integer } from "../validation/values.ts";
import { InvalidRequest } from "./faults.ts";

export interface SweepHandlerDependencies {
  readonly sweep: Sweep;
}

export interface SweepResponse {
  readonly enqueued: number;
  readonly caught_up: number;
  readonly shards_left: number;
}

/**
 * Sweeps the schedule, or a part of it: `{"slice": 0, "slices": 4}`. Other members of the event are ignored,
 * so that any schedule can invoke the function.
 *
 * @throws {InvalidRequest} there is no such slice
 */
export const sweepHandler =
  ({ sweep }: SweepHandlerDependencies) =>
  (event: unknown, context: Context): Promise<SweepResponse> => {
    const { awsRequestId: lambdaRequestId } = context;
    return requestScope.run({ requestId: lambdaRequestId, lambdaRequestId }, async () => {
      const invocation = { remainingMs: () => context.getRemainingTimeInMillis() };
      const result = await sweep({ ...sliceOf(event), invocation });
      return {
        enqueued: result.enqueued,
        caught_up: result.caughtUp,
        shards_left: result.shardsLeft,
      };
    });
  };

const maximumSlices = 64;

const sliceCheck = refined(
  object({
    slice: withDefault(integer(0, maximumSlices - 1), 0),
    slices: withDefault(integer(1, maximumSlices), 1),
  }),
  ({ slice, slices }, place) => {
    if (slice < slices) return;
    place.at("slice").reject("less_than_equal", "expected a slice below slices", slices - 1);
  },
);

/** @throws {InvalidRequest} */
function sliceOf(event: unknown): Pick<SweepRequest, "slice"> {
  const { slice, slices } = validated(
    sliceCheck,
    isObject(event) ? event : {},
    (faults) => new InvalidRequest(faults),
    ["payload"],
  );
  return { slice: { index: slice, of: slices } };
}
