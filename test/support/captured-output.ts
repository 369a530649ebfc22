/** Captures what a test writes to stdout and stderr, until mocks are restored. */
export function capturedOutput(): { readonly lines: () => readonly string[] } {
  const written: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, "write").mockImplementation((chunk) => {
      written.push(String(chunk));
      return true;
    });
  }
  return { lines: () => written.join("").split("\n").filter(Boolean) };
}
