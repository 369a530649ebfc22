import type { TextOutput } from "./io.ts";

/**
 * Control characters (C0 without the line break, DEL, C1), line and paragraph separators, and the controls of
 * bidirectional text (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters). Stored text and text of
 * a provider must neither control the terminal nor reorder a line.
 */
const controls = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** As `\u202e`, which a JSON string may hold as well. */
const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Escapes what would control a terminal. A line break stays, since lines of output end in one. */
const printable = (text: string): string => text.replace(controls, escaped);

/** The form of {@link printable} that stays within one line. */
export const printableLine = (text: string): string => printable(text).replace(/\n/g, escaped);

export const printableOutput = (output: TextOutput): TextOutput => ({
  write: (text) => output.write(printable(text)),
});
