import { Duration, Stack } from "aws-cdk-lib";
import type { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, type IFilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import type { LogCode } from "../functions/telemetry/log.ts";
import type { MetricName } from "../functions/telemetry/metrics.ts";
import type { NodeFunction } from "./constructs.ts";

export const period = Duration.minutes(5);

export interface Measuring {
  readonly refresh: NodeFunction;
  readonly worker: NodeFunction;
  readonly sweep: NodeFunction;
}

/** What the functions' logs tell, as metrics of the stack. */
export type Measures = ReturnType<typeof createMeasures>;

export function createMeasures({ refresh, worker, sweep }: Measuring) {
  const refreshing = [refresh, worker];
  return {
    tokenSetsInLogAlone: logLines(refreshing, "commit.last_resort"),
    clientsRejected: logLinesWithReason(refreshing, "integration.held", "client_rejected"),
    providersFailing: logLinesWithReason(refreshing, "integration.held", "provider_failing"),
    integrationsHeld: told(refreshing, "IntegrationHeld").with({ statistic: "Sum" }),
    enqueued: told([sweep], "Enqueued").with({ statistic: "Sum" }),
    /** Milliseconds. */
    sweepLag: told([sweep], "SweepLag").with({ statistic: "Maximum" }),
    refreshed: told([worker], "Refreshed").with({ statistic: "Sum" }),
    failed: told([worker], "Failed").with({ statistic: "Sum" }),
    postpone: told([worker], "Postponed").with({ statistic: "Sum" }),
  };
}

/** How many lines of a code these functions have logged. */
const logLines = (functions: readonly NodeFunction[], code: LogCode): Metric =>
  filtered(functions, {
    name: code,
    filterPattern: FilterPattern.stringValue("$.code", "=", code),
  }).with({ statistic: "Sum" });

/** The same, of those whose reason is this one. */
const logLinesWithReason = (
  functions: readonly NodeFunction[],
  code: LogCode,
  reason: string,
): Metric =>
  filtered(functions, {
    name: `${code} ${reason}`,
    filterPattern: FilterPattern.all(
      FilterPattern.stringValue("$.code", "=", code),
      FilterPattern.stringValue("$.reason", "=", reason),
    ),
  }).with({ statistic: "Sum" });

/**
 * A metric of the functions' own, as these have told it, whatever their log level. In the namespace that
 * they write to themselves, all stages of an account are counted together.
 */
const told = (functions: readonly NodeFunction[], name: MetricName): Metric =>
  filtered(functions, {
    name,
    filterPattern: FilterPattern.numberValue(`$.${name}`, ">=", 0),
    metricValue: `$.${name}`,
  });

interface Filter {
  readonly name: string;
  readonly filterPattern: IFilterPattern;
  /** @default one for each line */
  readonly metricValue?: string;
}

/** One metric of the stack, from several logs. */
function filtered(functions: readonly NodeFunction[], { name, ...filter }: Filter): Metric {
  const [metric] = functions.map((one) =>
    new MetricFilter(one, `Lines ${name}`, {
      ...filter,
      logGroup: one.logGroup,
      metricNamespace: Stack.of(one).stackName,
      metricName: name,
    }).metric({ period }),
  );
  if (metric === undefined) throw new RangeError("expected a function");
  return metric;
}
