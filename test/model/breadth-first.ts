/** A transition, in words, and the state that it leads to. */
export interface Step<State> {
  readonly text: string;
  readonly state: State;
}

export interface Model<State> {
  readonly initial: State;
  /** Every transition that is possible in a state. None: the run has ended. */
  steps(state: State): readonly Step<State>[];
  /** Equal states, and no others, have equal encodings. */
  encode(state: State): string;
  /** The invariant that the state breaks, in words. Undefined: it breaks none. */
  violation(state: State): string | undefined;
}

export interface Counterexample {
  readonly violation: string;
  /** The shortest way there, one line a step. */
  readonly trace: readonly string[];
}

export interface Exploration {
  /** Distinct states that were visited. */
  readonly states: number;
  /** Steps of the longest of the shortest ways to a state. */
  readonly depth: number;
  readonly counterexample: Counterexample | undefined;
}

interface Visit<State> {
  readonly state: State;
  readonly text: string;
  readonly depth: number;
  readonly from: Visit<State> | undefined;
}

/**
 * Visits every reachable state, nearest first, and ends at the first that breaks an invariant: no shorter trace
 * breaks one.
 *
 * @param maximumStates the limit of one exploration
 * @throws {RangeError} there are more states than that, so nothing is proved
 */
export function explore<State>(model: Model<State>, maximumStates: number): Exploration {
  const seen = new Set([model.encode(model.initial)]);
  let level: Visit<State>[] = [{ state: model.initial, text: "", depth: 0, from: undefined }];
  for (let depth = 0; ; depth++) {
    const next: Visit<State>[] = [];
    for (const visit of level) {
      const violation = model.violation(visit.state);
      if (violation !== undefined) {
        return { states: seen.size, depth, counterexample: { violation, trace: traceTo(visit) } };
      }
      for (const { text, state } of model.steps(visit.state)) {
        const code = model.encode(state);
        if (seen.has(code)) continue;
        seen.add(code);
        next.push({ state, text, depth: depth + 1, from: visit });
      }
      if (seen.size > maximumStates) {
        throw new RangeError(
          `the model has more than ${maximumStates} states: restrict its faults`,
        );
      }
    }
    if (next.length === 0) return { states: seen.size, depth, counterexample: undefined };
    level = next;
  }
}

function traceTo<State>(last: Visit<State>): readonly string[] {
  const trace: string[] = [];
  for (let visit = last; visit.from !== undefined; visit = visit.from) trace.unshift(visit.text);
  return trace;
}

/** The counterexample as a numbered list. */
export const inWords = ({ violation, trace }: Counterexample): string =>
  [...trace.map((text, i) => `${String(i + 1).padStart(2)}. ${text}`), `=> ${violation}`].join(
    "\n",
  );
