import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

export interface LambdaFunction {
  readonly name: string;
  readonly timeoutMs: number;
  readonly handler: (event: never, context: Context) => unknown;
}

export type Invocation =
  | { readonly kind: "returned"; readonly payload: unknown }
  | { readonly kind: "failed"; readonly errorMessage: string };

/**
 * Invokes a handler as Lambda does: event and result pass through JSON, the context states the remaining time, and an
 * invocation fails when that time is over.
 */
export async function invoke(
  { name, timeoutMs, handler }: LambdaFunction,
  event: unknown,
): Promise<Invocation> {
  const deadlineMs = Date.now() + timeoutMs;
  const timedOut = Promise.withResolvers<Invocation>();
  const timer = setTimeout(() => {
    const errorMessage = `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
    timedOut.resolve({ kind: "failed", errorMessage });
  }, timeoutMs).unref();
  try {
    const input = throughJson(event) as never;
    return await Promise.race([
      run(() => handler(input, context(name, deadlineMs))),
      timedOut.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

async function run(call: () => unknown): Promise<Invocation> {
  try {
    return { kind: "returned", payload: throughJson(await call()) };
  } catch (error) {
    return { kind: "failed", errorMessage: error instanceof Error ? error.message : String(error) };
  }
}

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? "null");

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
const context = (functionName: string, deadlineMs: number): Context => ({
  awsRequestId: randomUUID(),
  functionName,
  functionVersion: "$LATEST",
  invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
  memoryLimitInMB: "512",
  logGroupName: `/aws/lambda/${functionName}`,
  logStreamName: "local",
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  done: unsupported,
  fail: unsupported,
  succeed: unsupported,
});

/** Lambda removed these members together with callback handlers. */
function unsupported(): never {
  throw new Error("the context's callbacks are not supported");
}
