const maximumDistance = 2;
const maximumSuggestions = 5;
const maximumLength = 64;

/** The end of an error's text: `; similar names: google, …`. Empty where no known name is similar. */
export function suggestionText(name: string, known: readonly string[]): string {
  const suggestions = suggestionsFor(name, known);
  return suggestions.length === 0 ? "" : `; similar names: ${suggestions.join(", ")}`;
}

/** The known names that hold the name, are held by it or differ from it by two letters, the most similar first. */
const suggestionsFor = (name: string, known: readonly string[]): readonly string[] => {
  const meant = name.trim().toLowerCase().slice(0, maximumLength);
  return known
    .map((candidate) => ({ candidate, distance: distanceOf(meant, candidate) }))
    .filter(({ candidate, distance }) => distance <= maximumDistance && distance < candidate.length)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, maximumSuggestions)
    .map(({ candidate }) => candidate);
};

function distanceOf(meant: string, candidate: string): number {
  const isLong = Math.min(meant.length, candidate.length) >= 3;
  const isPart = isLong && (candidate.includes(meant) || meant.includes(candidate));
  return isPart ? 1 : editDistance(meant, candidate);
}

/** The Levenshtein distance: insertions, deletions and replacements, computed a row of the table at a time. */
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
