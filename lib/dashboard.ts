import { Stack } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { NodeFunction } from "./constructs.ts";
import { type Measures, period } from "./metrics.ts";
import type { WorkQueue } from "./queues.ts";

export interface Shown extends Measures {
  readonly worker: NodeFunction;
  readonly refreshes: WorkQueue;
  readonly rescues: WorkQueue;
}

/** The way of what is due, from the index to the provider, and what is in its way. */
export function createDashboard(scope: Construct, shown: Shown): void {
  const { enqueued, refreshed, failed, postpone, sweepLag, integrationsHeld } = shown;
  new Dashboard(scope, "Dashboard", {
    dashboardName: Stack.of(scope).stackName,
    widgets: [
      [
        graph("Enqueued, refreshed, failed, put off", [enqueued, refreshed, failed, postpone]),
        graph("Sweep lag (ms)", [sweepLag]),
      ],
      [queueGraph("Refresh queue", shown.refreshes.queue), workerGraph(shown.worker)],
      [
        queueGraph("Rescue queue", shown.rescues.queue),
        graph("Integrations held", [integrationsHeld]),
      ],
    ],
  });
}

/** Half of the width. */
const width = 12;

const graph = (title: string, left: IMetric[], right: IMetric[] = []): GraphWidget =>
  new GraphWidget({ title, left, right, width });

const queueGraph = (title: string, queue: IQueue): GraphWidget =>
  graph(
    `${title}: messages, age (s)`,
    [
      queue.metricApproximateNumberOfMessagesVisible({ period }),
      queue.metricApproximateNumberOfMessagesNotVisible({ period }),
    ],
    [queue.metricApproximateAgeOfOldestMessage({ period })],
  );

const workerGraph = ({ function: worker }: NodeFunction): GraphWidget =>
  graph(
    "Workers: at a time, duration (ms)",
    [worker.metric("ConcurrentExecutions", { statistic: "Maximum", period })],
    [
      worker.metricDuration({ statistic: "p50", period }),
      worker.metricDuration({ statistic: "p99", period }),
    ],
  );
