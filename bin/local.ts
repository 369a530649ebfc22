import { exchangeLine, welcome } from "./local/console.ts";
import { eventLine } from "./local/event-lines.ts";
import { startLocalService } from "./local/service.ts";
import { localSettings } from "./local/settings.ts";
import { shutdown as newShutdown } from "./local/shutdown.ts";

/**
 * `npm start`: the whole service on one machine, with stand-ins for AWS and for a provider. Settings
 * are those of `LocalSettings`, and whatever the functions take, such as PROVIDER_TIMEOUT_SECONDS.
 */
async function main(): Promise<void> {
  const shutdown = newShutdown();
  endOnSignals(() => shutdown.run());
  try {
    const settings = localSettings(process.env);
    const service = await startLocalService(
      settings,
      shutdown,
      (exchange) => console.log(exchangeLine(exchange, new Date())),
      (published) => {
        const line = eventLine(published, new Date());
        if (line !== undefined) console.log(line);
      },
    );
    console.log(welcome(service, settings, performance.now()));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`cannot start: ${reason.replace(/\s+/g, " ")}`);
    await shutdown.run();
    process.exit(1);
  }
}

/**
 * The first signal lets what has begun end, another one does not wait for it. One that comes at once
 * is the first again: npm passes on what the terminal has sent to all of its group.
 */
function endOnSignals(close: () => Promise<void>): void {
  let endingSinceMs: number | undefined;
  const end = async (): Promise<void> => {
    if (endingSinceMs !== undefined) {
      if (performance.now() - endingSinceMs > repeatedSignalMs) process.exit(1);
      return;
    }
    endingSinceMs = performance.now();
    await close();
    process.exit(0);
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}

const repeatedSignalMs = 500;

await main();
