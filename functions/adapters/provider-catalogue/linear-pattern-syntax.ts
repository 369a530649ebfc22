/** The source is not a pattern of this syntax, or a larger one than is allowed. */
export class LinearPatternError extends Error {
  override name = "LinearPatternError";
}

const maximumSourceLength = 512;
const maximumRepetitions = 255;

type Range = readonly [from: number, to: number];

export interface CharacterSet {
  readonly ranges: readonly Range[];
  readonly negated: boolean;
}

export type Position = "start" | "end" | "word_boundary" | "no_word_boundary";

export type PatternNode =
  | { readonly kind: "character"; readonly set: CharacterSet }
  | { readonly kind: "position"; readonly position: Position }
  | { readonly kind: "sequence"; readonly items: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly choices: readonly PatternNode[] }
  | {
      readonly kind: "repetition";
      readonly item: PatternNode;
      readonly minimum: number;
      readonly maximum: number;
    };

const lastUnit = 0xffff;
export const code = (character: string) => character.charCodeAt(0);
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

/** @throws {LinearPatternError} names the fault and its place */
export function parsePattern(source: string): PatternNode {
  if (source.length > maximumSourceLength) {
    throw new LinearPatternError(`is longer than ${maximumSourceLength} characters`);
  }
  return new Parser(source).parse();
}

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PatternNode {
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

  #choice(): PatternNode {
    const choices = [this.#sequence()];
    while (this.#take("|")) choices.push(this.#sequence());
    return choices.length === 1 && choices[0] ? choices[0] : { kind: "choice", choices };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source.charAt(this.#at))) {
      items.push(this.#position() ?? this.#repeated(this.#atom()));
    }
    return { kind: "sequence", items };
  }

  #position(): PatternNode | undefined {
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
  #repeated(item: PatternNode): PatternNode {
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

  #atom(): PatternNode {
    if (this.#take("(")) return this.#group();
    if (this.#take("[")) return { kind: "character", set: this.#class() };
    if (this.#take(".")) return { kind: "character", set: { ranges: lineEnds, negated: true } };
    if (this.#takeMatch(/[*+?{}\]]/y)) {
      this.#at--;
      throw this.#fault("has a character that needs a backslash before it");
    }
    return { kind: "character", set: { ranges: this.#characters(), negated: false } };
  }

  #group(): PatternNode {
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
