import { AsyncLocalStorage } from "node:async_hooks";

/** The ids that all log lines of one request share. */
export interface RequestIds {
  /** API Gateway's, which the caller sees in every problem; Lambda's own for a direct invocation. */
  readonly requestId: string;
  readonly lambdaRequestId: string;
}

/**
 * The request that code runs for, without passing it through the domain. A process may serve several
 * at once.
 */
export const requestScope = new AsyncLocalStorage<RequestIds>();
