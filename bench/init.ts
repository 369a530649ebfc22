import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { median } from "./statistics.ts";
import type { Subject } from "./subjects.ts";

const rounds = 15;
const load = `
  const began = performance.now();
  require(process.argv[1]);
  console.log(performance.now() - began);
  process.exit();`;

/**
 * Returns the median time in milliseconds in which a new process loads each bundle. The bundles alternate,
 * so that a busy moment of the machine affects all of them.
 *
 * @param cacheDirectory where V8's compile cache is kept; undefined: none
 */
export function initTimes(subjects: readonly Subject[], cacheDirectory?: string): number[] {
  const environment = {
    ...process.env,
    ...(cacheDirectory && { NODE_COMPILE_CACHE: join(cacheDirectory, "compile-cache") }),
  };
  const once = ({ path }: Subject): number =>
    Number(execFileSync(process.execPath, ["-e", load, path], { env: environment }));
  for (const subject of subjects) once(subject);
  const times = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    subjects.forEach((subject, index) => void times[index]?.push(once(subject)));
  }
  return times.map(median);
}
