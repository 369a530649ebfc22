import type { Context } from "aws-lambda";
import type { Sweep, SweepRequest } from "../domain/sweep.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { type Fault, InvalidRequest, isObject } from "./faults.ts";

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

function sliceOf(event: unknown): Pick<SweepRequest, "slice"> {
  const { slice = 0, slices = 1 } = isObject(event) ? event : {};
  const faults = [
    ...wholeNumberFaults("slices", slices, 1, maximumSlices),
    ...wholeNumberFaults("slice", slice, 0, Number(slices) - 1),
  ];
  if (faults.length > 0) throw new InvalidRequest(faults);
  return { slice: { index: Number(slice), of: Number(slices) } };
}

function wholeNumberFaults(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number,
): Fault[] {
  const loc = ["payload", name];
  if (typeof value !== "number" || !Number.isInteger(value)) {
    return [{ loc, msg: "Input should be a valid integer", type: "int_type" }];
  }
  if (value < minimum) {
    const msg = `Input should be greater than or equal to ${minimum}`;
    return [{ loc, msg, type: "greater_than_equal" }];
  }
  if (value > maximum) {
    const msg = `Input should be less than or equal to ${maximum}`;
    return [{ loc, msg, type: "less_than_equal" }];
  }
  return [];
}
