import { memoryIntegrationHolds } from "../../functions/adapters/memory-integration-holds.ts";
import { isRegistrationName, type RegistrationName } from "../../functions/domain/connection.ts";

const name = (integration: string): RegistrationName => {
  const text = `integrations/${integration}`;
  if (!isRegistrationName(text)) throw new Error("test data");
  return text;
};
const holdUntil = (untilMs: number) => ({ untilMs, registrationVersion: "v1" });

function holdsAt(startMs: number, maximumHolds?: number) {
  let nowMs = startMs;
  const clock = { nowMs: () => nowMs, sleep: async () => undefined };
  const holds = memoryIntegrationHolds({ clock, ...(maximumHolds && { maximumHolds }) });
  const advanceTo = (instantMs: number): void => {
    nowMs = instantMs;
  };
  return { holds, advanceTo };
}

it("a hold stands until its time, for its integration alone", async () => {
  const { holds, advanceTo } = holdsAt(1_000);
  await holds.place(name("acme"), holdUntil(2_000));
  advanceTo(1_999);
  await expect(holds.current(name("acme"))).resolves.toEqual(holdUntil(2_000));
  await expect(holds.current(name("other"))).resolves.toBeUndefined();
  advanceTo(2_000);
  await expect(holds.current(name("acme"))).resolves.toBeUndefined();
});

it("a later hold replaces an earlier one", async () => {
  const { holds } = holdsAt(1_000);
  await holds.place(name("acme"), holdUntil(2_000));
  await holds.place(name("acme"), holdUntil(3_000));
  await expect(holds.current(name("acme"))).resolves.toEqual(holdUntil(3_000));
});

it("memory is bounded: the hold that was placed first goes first", async () => {
  const { holds } = holdsAt(1_000, 2);
  await holds.place(name("first"), holdUntil(2_000));
  await holds.place(name("second"), holdUntil(2_000));
  await holds.place(name("first"), holdUntil(2_000));
  await holds.place(name("third"), holdUntil(2_000));
  await expect(holds.current(name("second"))).resolves.toBeUndefined();
  await expect(holds.current(name("first"))).resolves.toBeDefined();
  await expect(holds.current(name("third"))).resolves.toBeDefined();
});
