import {
  type CharacterSet,
  code,
  LinearPatternError,
  type PatternNode,
  type Position,
  parsePattern,
} from "./linear-pattern-syntax.ts";

/**
 * Regular expressions that are matched in time linear in the text, however they are written: the process
 * follows all of a pattern's states at once and never goes back (Thompson 1968; Cox, "Regular Expression
 * Matching Can Be Simple And Fast"). Patterns come from secrets and the command line, texts from providers:
 * with the backtracking of `RegExp` 27 characters can hold up a process for seconds.
 *
 * The syntax is ECMAScript's, without what needs backtracking: look-around, back references, named groups.
 */
export interface LinearPattern {
  /** True where the pattern is found anywhere in the text. */
  test(text: string): boolean;
}

export interface LinearPatternOptions {
  readonly ignoreCase?: boolean;
}

/** Parts once repetitions are expanded. Each costs at most two steps for each character of the text. */
const maximumParts = 500;
/** A longer text matches nothing: neither an error's description nor a part of a URL is as long. */
export const maximumTextLength = 1_000;

/** @throws {LinearPatternError} */
export function linearPattern(
  source: string,
  { ignoreCase = false }: LinearPatternOptions = {},
): LinearPattern {
  const automaton = compile(parsePattern(source), ignoreCase);
  return { test: (text) => text.length <= maximumTextLength && matches(automaton, text) };
}

/** A condition and the state that follows it. `split` has no condition, and two states follow it. */
type State =
  | { readonly kind: "character"; readonly isIn: Membership; readonly next: number }
  | { readonly kind: "position"; readonly position: Position; readonly next: number }
  | { readonly kind: "split"; next: number; readonly other: number }
  | { readonly kind: "matched" };

type Membership = (unit: number) => boolean;

interface Automaton {
  readonly states: readonly State[];
  readonly first: number;
}

/** Built from the end, so that each part knows what follows it. */
function compile(pattern: PatternNode, ignoreCase: boolean): Automaton {
  const states: State[] = [{ kind: "matched" }];
  let parts = 0;
  const memberships = new Map<CharacterSet, Membership>();
  const add = (state: State): number => states.push(state) - 1;
  const membership = (set: CharacterSet): Membership => {
    const isIn = memberships.get(set) ?? membershipIn(set, ignoreCase);
    memberships.set(set, isIn);
    return isIn;
  };

  const before = (node: PatternNode, next: number): number => {
    parts++;
    if (parts > maximumParts) throw new LinearPatternError("is too large");
    switch (node.kind) {
      case "character":
        return add({ kind: "character", isIn: membership(node.set), next });
      case "position":
        return add({ kind: "position", position: node.position, next });
      case "sequence":
        return node.items.reduceRight((following, item) => before(item, following), next);
      case "choice":
        return node.choices
          .map((choice) => before(choice, next))
          .reduce((one, other) => add({ kind: "split", next: one, other }));
      case "repetition":
        return repeated(node, next);
    }
  };

  const repeated = (
    { item, minimum, maximum }: Extract<PatternNode, { kind: "repetition" }>,
    next: number,
  ): number => {
    let following = next;
    if (maximum === Number.POSITIVE_INFINITY) {
      const loop: State = { kind: "split", next, other: next };
      following = add(loop);
      loop.next = before(item, following);
    } else {
      for (let i = minimum; i < maximum; i++) {
        following = add({ kind: "split", next: before(item, following), other: next });
      }
    }
    for (let i = 0; i < minimum; i++) following = before(item, following);
    return following;
  };

  return { first: before(pattern, 0), states };
}

/** States that are alive at one character, in the order in which they were reached, each of them once. */
function matches({ states, first }: Automaton, text: string): boolean {
  const reachedAt = new Int32Array(states.length).fill(-1);
  let waiting: number[] = [];
  for (let at = 0; at <= text.length; at++) {
    const open = [first, ...waiting];
    const unit = at < text.length ? text.charCodeAt(at) : undefined;
    waiting = [];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (reachedAt[index] === at) continue;
      reachedAt[index] = at;
      const state = states[index];
      if (state === undefined) continue;
      if (state.kind === "matched") return true;
      if (state.kind === "split") open.push(state.next, state.other);
      else if (state.kind === "position") {
        if (isAt(state.position, text, at)) open.push(state.next);
      } else if (unit !== undefined && state.isIn(unit)) waiting.push(state.next);
    }
  }
  return false;
}

/** In constant time for ASCII. */
function membershipIn({ ranges, negated }: CharacterSet, ignoreCase: boolean): Membership {
  const isIn: Membership = (unit) =>
    ranges.some(([from, to]) =>
      (ignoreCase ? cases(unit) : [unit]).some((each) => each >= from && each <= to),
    ) !== negated;
  const isAsciiIn = Array.from({ length: 128 }, (_, unit) => isIn(unit));
  return (unit) => isAsciiIn[unit] ?? isIn(unit);
}

function cases(unit: number): readonly number[] {
  const character = String.fromCharCode(unit);
  return [character, character.toLowerCase(), character.toUpperCase()]
    .filter(({ length }) => length === 1)
    .map(code);
}

function isAt(position: Position, text: string, at: number): boolean {
  switch (position) {
    case "start":
      return at === 0;
    case "end":
      return at === text.length;
    default: {
      const isBoundary = isWord(text.charAt(at - 1)) !== isWord(text.charAt(at));
      return isBoundary === (position === "word_boundary");
    }
  }
}

const isWord = (character: string): boolean => /^\w$/.test(character);
