interface WithHeaders {
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly multiValueHeaders?: Readonly<Record<string, string[] | undefined>> | null;
}

/**
 * Every value that a request has for a header. The gateway hands names on as the caller wrote them,
 * and all values of a repeated header in `multiValueHeaders` alone.
 * @param name in lower case
 */
export function headerValues(event: WithHeaders, name: string): readonly string[] {
  const several = valuesIn(event.multiValueHeaders, name);
  return several.length > 0 ? several : valuesIn(event.headers, name);
}

const valuesIn = (
  headers: Readonly<Record<string, string | string[] | undefined>> | null | undefined,
  name: string,
): readonly string[] =>
  Object.entries(headers ?? {})
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? []);
