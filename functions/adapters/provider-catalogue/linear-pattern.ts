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

/** The source is not a pattern of this syntax, or a larger one than is allowed. */
export class LinearPatternError extends Error {
  override name = "LinearPatternError";
}

export interface LinearPatternOptions {
  readonly ignoreCase?: boolean;
}

const maximumSourceLength = 512;
const maximumRepetitions = 255;
/** Matching costs at most this many steps for each character of the text. */
const maximumStates = 1_000;

/** @throws {LinearPatternError} */
export function linearPattern(
  source: string,
  { ignoreCase = false }: LinearPatternOptions = {},
): LinearPattern {
  if (source.length > maximumSourceLength) {
    throw new LinearPatternError(`is longer than ${maximumSourceLength} characters`);
  }
  const states = compile(new Parser(source).parse());
  return { test: (text) => matches(states, text, ignoreCase) };
}

type Range = readonly [from: number, to: number];

interface CharacterSet {
  readonly ranges: readonly Range[];
  readonly negated: boolean;
}

type Position = "start" | "end" | "word_boundary" | "no_word_boundary";

type Node =
  | { readonly kind: "character"; readonly set: CharacterSet }
  | { readonly kind: "position"; readonly position: Position }
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "choice"; readonly choices: readonly Node[] }
  | {
      readonly kind: "repetition";
      readonly item: Node;
      readonly minimum: number;
      readonly maximum: number;
    };

const lastUnit = 0xffff;
const code = (character: string) => character.charCodeAt(0);
const single = (character: string): Range => [code(character), code(character)];

const digits: readonly Range[] = [[code("0"), code("9")]];
const wordCharacters: readonly Range[] = [
  ...digits,
  [code("A"), code("Z")],
  single("_"),
  [code("a"), code("z")],
];
const lineEnds: readonly Range[] = [single("\n"), single("\r"), [0x2028, 0x2029]];
/** ECMAScript's WhiteSpace and LineTerminator, in order. */
const spaces: readonly Range[] = [
  [0x09, 0x0d],
  ...["\x20", "\xa0", "\u1680"].map(single),
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  ...["\u202f", "\u205f", "\u3000", "\ufeff"].map(single),
];

/** @param ranges in ascending order. */
function allBut(ranges: readonly Range[]): readonly Range[] {
  const rest: Range[] = [];
  let next = 0;
  for (const [from, to] of ranges) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  return next > lastUnit ? rest : [...rest, [next, lastUnit]];
}

const namedSets: ReadonlyMap<string, readonly Range[]> = new Map([
  ["d", digits],
  ["D", allBut(digits)],
  ["w", wordCharacters],
  ["W", allBut(wordCharacters)],
  ["s", spaces],
  ["S", allBut(spaces)],
]);

const controls: ReadonlyMap<string, string> = new Map([
  ["t", "\t"],
  ["n", "\n"],
  ["r", "\r"],
  ["f", "\f"],
  ["v", "\v"],
]);

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Node {
    const pattern = this.#choice();
    if (this.#at < this.#source.length) throw this.#fault("has a ) without its (");
    return pattern;
  }

  #fault(reason: string): LinearPatternError {
    return new LinearPatternError(`${reason}, at character ${this.#at + 1}`);
  }

  #take(expected: string): boolean {
    if (!this.#source.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #takeMatch(expected: RegExp): RegExpExecArray | undefined {
    expected.lastIndex = this.#at;
    const found = expected.exec(this.#source) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  #choice(): Node {
    const choices = [this.#sequence()];
    while (this.#take("|")) choices.push(this.#sequence());
    return choices.length === 1 && choices[0] ? choices[0] : { kind: "choice", choices };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source.charAt(this.#at))) {
      items.push(this.#position() ?? this.#repeated(this.#atom()));
    }
    return { kind: "sequence", items };
  }

  #position(): Node | undefined {
    const positions: readonly (readonly [string, Position])[] = [
      ["^", "start"],
      ["$", "end"],
      ["\\b", "word_boundary"],
      ["\\B", "no_word_boundary"],
    ];
    const found = positions.find(([written]) => this.#take(written));
    return found && { kind: "position", position: found[1] };
  }

  /** A lazy quantifier finds as much as a greedy one: only whether there is a match is asked. */
  #repeated(item: Node): Node {
    const written = this.#takeMatch(/(?:([*+?])|\{(\d{1,3})(?:(,)(\d{1,3})?)?\})\??/y);
    if (written === undefined) return item;
    const [, sign, least = "", comma, most] = written;
    const minimum = sign === undefined ? Number(least) : Number(sign === "+");
    const maximum = sign === undefined ? upperBound(minimum, comma, most) : signMaximum(sign);
    if (minimum > maximum) throw this.#fault("has a quantifier whose numbers are out of order");
    if ([minimum, maximum].some((count) => count > maximumRepetitions && count !== Infinity)) {
      throw this.#fault(`repeats more than ${maximumRepetitions} times`);
    }
    return { kind: "repetition", item, minimum, maximum };
  }

  #atom(): Node {
    if (this.#take("(")) return this.#group();
    if (this.#take("[")) return { kind: "character", set: this.#class() };
    if (this.#take(".")) return { kind: "character", set: { ranges: lineEnds, negated: true } };
    if (this.#takeMatch(/[*+?{}\]]/y)) {
      this.#at--;
      throw this.#fault("has a character that needs a backslash before it");
    }
    return { kind: "character", set: { ranges: this.#characters(), negated: false } };
  }

  #group(): Node {
    if (!this.#take("?:") && this.#take("?")) {
      throw this.#fault("has a group other than ( ) and (?: )");
    }
    const inner = this.#choice();
    if (!this.#take(")")) throw this.#fault("has a ( without its )");
    return inner;
  }

  #class(): CharacterSet {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      if (this.#at >= this.#source.length) throw this.#fault("has a [ without its ]");
      const first = this.#characters();
      ranges.push(...(this.#takeMatch(/-(?!\])/y) ? [this.#range(first)] : first));
    }
    return { ranges, negated };
  }

  #range(first: readonly Range[]): Range {
    const last = this.#characters();
    const [from, to] = [oneOf(first), oneOf(last)];
    if (from === undefined || to === undefined || from > to) {
      throw this.#fault("has a range without order");
    }
    return [from, to];
  }

  /** One character, or what an escape like `\d` stands for. */
  #characters(): readonly Range[] {
    if (!this.#take("\\")) return [single(this.#next())];
    const [, hexadecimal] =
      this.#takeMatch(/x([0-9a-f]{2})/iy) ?? this.#takeMatch(/u([0-9a-f]{4})/iy) ?? [];
    if (hexadecimal !== undefined) {
      return [single(String.fromCharCode(Number.parseInt(hexadecimal, 16)))];
    }
    const escaped = this.#next();
    const named = namedSets.get(escaped);
    if (named !== undefined) return named;
    const character = controls.get(escaped) ?? escaped;
    if (character === escaped && /\w/.test(escaped)) {
      throw this.#fault("has an escape that is not supported");
    }
    return [single(character)];
  }

  #next(): string {
    if (this.#at >= this.#source.length) throw this.#fault("ends too early");
    return this.#source.charAt(this.#at++);
  }
}

const signMaximum = (sign: string): number => (sign === "?" ? 1 : Number.POSITIVE_INFINITY);

function upperBound(minimum: number, comma: string | undefined, most: string | undefined): number {
  if (comma === undefined) return minimum;
  return most === undefined ? Number.POSITIVE_INFINITY : Number(most);
}

function oneOf(ranges: readonly Range[]): number | undefined {
  const [range, ...others] = ranges;
  return range !== undefined && others.length === 0 && range[0] === range[1] ? range[0] : undefined;
}

/** What a state waits for, and where it leads; `split` leads to two. */
type State =
  | { readonly kind: "character"; readonly set: CharacterSet; readonly next: number }
  | { readonly kind: "position"; readonly position: Position; readonly next: number }
  | { readonly kind: "split"; next: number; readonly other: number }
  | { readonly kind: "matched" };

interface Automaton {
  readonly states: readonly State[];
  readonly first: number;
}

/** Built from the end, so that each part knows what follows it. */
function compile(pattern: Node): Automaton {
  const states: State[] = [{ kind: "matched" }];
  let steps = 0;
  const add = (state: State): number => states.push(state) - 1;

  const before = (node: Node, next: number): number => {
    steps++;
    if (steps > maximumStates) throw new LinearPatternError("is too large");
    switch (node.kind) {
      case "character":
        return add({ kind: "character", set: node.set, next });
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
    { item, minimum, maximum }: Extract<Node, { kind: "repetition" }>,
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
function matches({ states, first }: Automaton, text: string, ignoreCase: boolean): boolean {
  const reachedAt = new Int32Array(states.length).fill(-1);
  let waiting: number[] = [];
  for (let at = 0; at <= text.length; at++) {
    const open = [first, ...waiting];
    const unit = at < text.length ? variants(text.charAt(at), ignoreCase) : [];
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
      } else if (unit.length > 0 && holds(state.set, unit)) waiting.push(state.next);
    }
  }
  return false;
}

const variants = (character: string, ignoreCase: boolean): readonly number[] =>
  ignoreCase
    ? [character, character.toLowerCase(), character.toUpperCase()]
        .filter(({ length }) => length === 1)
        .map(code)
    : [code(character)];

const holds = ({ ranges, negated }: CharacterSet, unit: readonly number[]): boolean =>
  ranges.some(([from, to]) => unit.some((each) => each >= from && each <= to)) !== negated;

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
