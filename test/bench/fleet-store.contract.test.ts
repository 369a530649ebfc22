import { connectionIdOf, connectionOf } from "../../bench/fleet/due-calendar.ts";
import { Fleet } from "../../bench/fleet/fleet.ts";
import { integrationsOf } from "../../bench/fleet/integrations.ts";
import { Observations } from "../../bench/fleet/observations.ts";
import { calmDay, troubledDay } from "../../bench/fleet/scenario.ts";
import { connectionStoreContract } from "../contract/connection-store.contract.ts";

const hours = 4;
/** The fleet's clock begins at zero, and its calendar ends soon after its hours. */
const nowMs = 2 * 3_600_000;

let lastConnection = 0;

connectionStoreContract(
  "the simulated fleet",
  async () => {
    const { entries, calendar, store } = new Fleet({
      integrations: integrationsOf(1_000),
      hours,
      observations: new Observations(calmDay, troubledDay.outage, hours),
      random: () => 0.5,
      schedule: { sweepIntervalMs: 60_000, giveUpAfterMs: 86_400_000 },
    });
    return {
      store,
      put: async (connection, due) => entries.put(connection, due),
      due: async ({ connectionId }) => calendar.dueOf(connectionOf(connectionId)),
      close: async () => undefined,
    };
  },
  { nowMs, newId: () => connectionIdOf(++lastConnection) },
);
