import fc from "fast-check";
import {
  linearPattern,
  maximumTextLength,
} from "../../../functions/adapters/provider-catalogue/linear-pattern.ts";
import { LinearPatternError } from "../../../functions/adapters/provider-catalogue/linear-pattern-syntax.ts";
import { assertProperty } from "../../support/property.ts";

const texts = fc.string({ unit: fc.constantFrom(..."aAbB0_ -.\n"), maxLength: 12 });

/** Sources that both engines take: RegExp is the oracle. */
const sources = fc.letrec<{ pattern: string; item: string }>((tie) => ({
  pattern: fc
    .array(fc.array(tie("item"), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((choices) => choices.map((items) => items.join("")).join("|")),
  item: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(..."ab0_- ", ".", "^", "$", "\\b", "\\B", "\\n", "\\.", "\\x61", "\\u0062"),
    fc.constantFrom("\\d", "\\D", "\\w", "\\W", "\\s", "\\S"),
    fc.constantFrom("[ab]", "[^ab]", "[a-z0-9]", "[^A-Z]", "[\\w-]", "[\\W_]", "[-.]", "[^]", "[]"),
    fc
      .tuple(
        fc.oneof(
          tie("pattern").map((inner) => `(?:${inner})`),
          fc.constantFrom("a", ".", "[ab]"),
        ),
        fc.constantFrom("*", "+", "?", "{0}", "{2}", "{1,}", "{0,2}", "{1,3}", "*?", "+?", "??"),
      )
      .map((parts) => parts.join("")),
    tie("pattern").map((inner) => `(${inner})`),
  ),
})).pattern;

/** Undefined: the pattern is larger than a linear pattern may be. */
function smallPattern(source: string, ignoreCase: boolean) {
  if (source.length > 512) return undefined;
  try {
    return linearPattern(source, { ignoreCase });
  } catch (error) {
    if (error instanceof LinearPatternError && error.message === "is too large") return undefined;
    throw error;
  }
}

describe("a linear pattern", () => {
  it("finds what RegExp finds", () => {
    assertProperty(
      "value",
      fc.property(sources, texts, fc.boolean(), (source, text, ignoreCase) => {
        const pattern = smallPattern(source, ignoreCase);
        fc.pre(pattern !== undefined);
        const expected = new RegExp(source, ignoreCase ? "i" : "").test(text);
        expect(pattern?.test(text)).toBe(expected);
      }),
    );
  });

  it.each(["(a+)+$", "(a|aa)+$", "(?:[a-z0-9]+)+\\.$", "^(([a-z])+.)+[A-Z]([a-z])+$"])(
    "%s is tried on a long text in one pass",
    (source) => {
      expect(linearPattern(source).test(`${"a".repeat(900)}!`)).toBe(false);
    },
  );

  it("is tried on texts up to a limit", () => {
    const pattern = linearPattern("a");
    expect(pattern.test("a".repeat(maximumTextLength))).toBe(true);
    expect(pattern.test("a".repeat(maximumTextLength + 1))).toBe(false);
  });

  it.each([
    ["(?=a)", "has a group other than ( ) and (?: )"],
    ["(?<name>a)", "has a group other than ( ) and (?: )"],
    ["(a)\\1", "has an escape that is not supported"],
    ["\\p{L}", "has an escape that is not supported"],
    ["(a", "has a ( without its )"],
    ["a)", "has a ) without its ("],
    ["[a", "has a [ without its ]"],
    ["[z-a]", "has a range without order"],
    ["[\\d-z]", "has a range without order"],
    ["a{2,1}", "has a quantifier whose numbers are out of order"],
    ["a{256}", "repeats more than 255 times"],
    ["a**", "has a character that needs a backslash before it"],
    ["{", "has a character that needs a backslash before it"],
    ["a\\", "ends too early"],
    ["(?:(?:a{255}){255}){255}", "is too large"],
    ["(?:(?:(?:){255}){255}){255}", "is too large"],
    ["a".repeat(513), "is longer than 512 characters"],
  ])("%.30s is refused: %s", (source, reason) => {
    expect(() => linearPattern(source)).toThrow(LinearPatternError);
    expect(() => linearPattern(source)).toThrow(reason);
  });
});
