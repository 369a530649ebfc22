import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

const metricNamespace = "OAuthTokenRefresh";

/** CloudWatch metrics, each with the dimension `service`; `Failed` also by `service` and `code`. */
export type MetricName =
  | "Refreshed"
  | "Coalesced"
  | "StillValid"
  | "Failed"
  /** From the provider's last byte to the acknowledged commit. */
  | "CommitGap"
  | "CommitRescued"
  | "LastResort"
  /** Holds that were placed or extended. */
  | "IntegrationHeld"
  /** Connections that became due later, without their provider being asked. */
  | "Postponed"
  /** Connections that a sweep has enqueued. */
  | "Enqueued"
  /** Connections whose message was lost, and which are enqueued again. */
  | "CaughtUp"
  /** The longest time that a due connection has waited for its sweep. */
  | "SweepLag";

export interface Measurement {
  readonly name: MetricName;
  readonly unit: "Count" | "Milliseconds";
  readonly value: number;
  /** The code of an error, as a further dimension beside the total. */
  readonly code?: string;
}

export const count = (name: MetricName, value = 1): Measurement => ({ name, unit: "Count", value });

export const milliseconds = (name: MetricName, value: number): Measurement => ({
  name,
  unit: "Milliseconds",
  value,
});

/** Embedded metric format: one more line on stdout for each event that is measured. */
export const createMetrics = (service: string): Metrics =>
  new Metrics({ namespace: metricNamespace, serviceName: service });

export function publish(metrics: Metrics, measurements: readonly Measurement[]): void {
  if (measurements.length === 0) return;
  for (const { name, unit, value, code } of measurements) {
    // The empty set of dimensions is the total over all codes.
    if (code !== undefined) metrics.addDimensions({ code }).addDimensions({});
    metrics.addMetric(name, MetricUnit[unit], value);
  }
  // At once, so that a process that is killed loses none, and no two requests share a line.
  metrics.publishStoredMetrics();
}
