import type { Construct } from "constructs";
import { createAlarms, type MonitoredResources } from "./alarms.ts";
import { createDashboard } from "./dashboard.ts";
import { createLogMetrics } from "./metrics.ts";
import type { Settings } from "./settings.ts";

export function createMonitoring(
  scope: Construct,
  resources: MonitoredResources,
  settings: Settings,
): void {
  const monitored = { ...resources, ...createLogMetrics(resources) };
  createAlarms(scope, monitored, settings);
  createDashboard(scope, monitored);
}
