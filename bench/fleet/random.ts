/** Uniform in [0, 1). */
export type Random = () => number;

/** sfc32, from PractRand: a seed gives the same numbers on every machine. https://pracrand.sourceforge.net/RNG_engines.txt */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, 0x9e3779b9, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** Returns equally likely values of a log-normal distribution with median 1, as a table for fast sampling. */
export function logNormalQuantiles(sigma: number, count: number, random: Random): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    // The Box-Muller transform, with one sample for each stratum, so that the table has no gaps.
    const radius = Math.sqrt(-2 * Math.log((i + random()) / count || Number.EPSILON));
    return Math.exp(sigma * radius * Math.cos(2 * Math.PI * random()));
  });
}
