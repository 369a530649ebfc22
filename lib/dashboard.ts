import { Stack } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { type LogMetrics, messagesIn, oldestAgeIn, period } from "./metrics.ts";
import type { NodeFunction } from "./node-function.ts";
import type { WorkQueue } from "./queues.ts";

export interface DashboardResources extends LogMetrics {
  readonly worker: NodeFunction;
  readonly refreshQueue: WorkQueue;
  readonly rescueQueue: WorkQueue;
}

/** Shows how due connections proceed from the index to the provider, and where they are held up. */
export function createDashboard(scope: Construct, resources: DashboardResources): void {
  const { worker, refreshQueue, rescueQueue } = resources;
  const { enqueued, refreshed, failed, postponed, sweepLag, integrationsHeld } = resources;
  new Dashboard(scope, "Dashboard", {
    dashboardName: Stack.of(scope).stackName,
    widgets: [
      [
        graph("Enqueued, refreshed, failed, postponed", [enqueued, refreshed, failed, postponed]),
        graph("Sweep lag (ms)", [sweepLag]),
      ],
      [queueGraph("Refresh queue", refreshQueue.queue), workerGraph(worker)],
      [
        queueGraph("Rescue queue", rescueQueue.queue),
        graph("Integrations held", [integrationsHeld]),
      ],
    ],
  });
}

/** Two graphs fill a row of 24. */
const width = 12;

const graph = (title: string, left: IMetric[], right: IMetric[] = []): GraphWidget =>
  new GraphWidget({ title, left, right, width });

const queueGraph = (title: string, queue: IQueue): GraphWidget =>
  graph(
    `${title}: messages, age (s)`,
    [messagesIn(queue), queue.metricApproximateNumberOfMessagesNotVisible({ period })],
    [oldestAgeIn(queue)],
  );

const workerGraph = ({ function: worker }: NodeFunction): GraphWidget =>
  graph(
    "Workers: concurrency, duration (ms)",
    [worker.metric("ConcurrentExecutions", { statistic: "Maximum", period })],
    [
      worker.metricDuration({ statistic: "p50", period }),
      worker.metricDuration({ statistic: "p99", period }),
    ],
  );
