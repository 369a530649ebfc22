import { exchangeLine, welcome } from "./local/console.ts";
import { eventLine } from "./local/event-lines.ts";
import { startLocalService } from "./local/service.ts";
import { localSettings } from "./local/settings.ts";
import { shutdown as newShutdown } from "./local/shutdown.ts";

/**
 * `npm start`: the whole service on one machine, with stand-ins for AWS and an authorization server. The environment
 * holds {@link localSettings}, and any variable of the functions, such as PROVIDER_TIMEOUT_SECONDS.
 */
async function main(): Promise<void> {
  // DynamoDB's stand-in creates its files with the mode that the umask leaves.
  process.umask(0o077);
  const shutdown = newShutdown();
  stopOnSignals(() => shutdown.run());
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
 * The first signal waits for the requests in progress, and a second one does not. A signal right after the first is
 * the same one: the terminal sends it to the whole process group, and npm forwards it again.
 */
function stopOnSignals(close: () => Promise<void>): void {
  let stoppingSinceMs: number | undefined;
  const stop = async (): Promise<void> => {
    if (stoppingSinceMs !== undefined) {
      if (performance.now() - stoppingSinceMs > repeatedSignalMs) process.exit(1);
      return;
    }
    stoppingSinceMs = performance.now();
    await close();
    process.exit(0);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

/** A later signal is one of its own. */
const repeatedSignalMs = 500;

await main();
