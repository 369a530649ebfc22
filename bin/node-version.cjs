/**
 * Ends the process with one line that names the remedy, where a script runs on a Node.js that cannot run it.
 * The npm scripts preload it. It is plain JavaScript, since an old Node.js reads no TypeScript.
 */
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const { devDependencies } = require("../package.json");

const majorOf = (version) => Number.parseInt(version, 10);
const needed = majorOf(devDependencies.node);

if (!existsSync(join(__dirname, "../node_modules"))) {
  end("The dependencies are not installed. Run: npm ci");
}
if (majorOf(process.versions.node) < needed) {
  end(
    `Node.js ${needed} or later is needed, and ${process.execPath} is ${process.version}. ` +
      `Install the project's own copy with "npm rebuild node --ignore-scripts=false", ` +
      `or put Node.js ${needed} on the PATH.`,
  );
}

function end(message) {
  console.error(message);
  process.exit(1);
}
