/** The name of a field in JSON: `token_endpoint` for `tokenEndpoint`. */
export const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
