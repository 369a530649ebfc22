const maximumDistance = 2;
const maximumNames = 5;

/** For a fault's end: `; near to it are google, …`. Empty where nothing is near. */
export function nearNamesHint(name: string, names: readonly string[]): string {
  const near = nearNames(name, names);
  return near.length === 0 ? "" : `; near to it are ${near.join(", ")}`;
}

/** Those of the names that somebody may have meant: it is part of them, or two letters away. */
const nearNames = (name: string, names: readonly string[]): readonly string[] => {
  const meant = name.trim().toLowerCase().slice(0, 64);
  return names
    .map((candidate) => ({ candidate, distance: distanceOf(meant, candidate) }))
    .filter(({ candidate, distance }) => distance <= maximumDistance && distance < candidate.length)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, maximumNames)
    .map(({ candidate }) => candidate);
};

function distanceOf(meant: string, candidate: string): number {
  const isLong = Math.min(meant.length, candidate.length) >= 3;
  const isPart = isLong && (candidate.includes(meant) || meant.includes(candidate));
  return isPart ? 1 : editDistance(meant, candidate);
}

/** Levenshtein's: insertions, deletions and replacements, a row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
