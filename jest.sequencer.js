import Sequencer from "@jest/test-sequencer";

/** Files that wait for other processes most of the time, the longest first. */
const longest = ["/test/e2e/fleet-faults.", "/test/e2e/"];

const rankOf = ({ path }) => {
  const rank = longest.findIndex((part) => path.includes(part));
  return rank === -1 ? longest.length : rank;
};

/**
 * The order of test files: those that wait begin first, and the others fill the cores meanwhile. Jest itself
 * knows how long a file takes once it has run it: in a fresh clone it would begin the longest file last.
 */
export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return [...sorted].sort((one, other) => rankOf(one) - rankOf(other));
  }
}
