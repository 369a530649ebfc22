import fc from "fast-check";
import { catalogue } from "../../functions/adapters/client-registration/registered-provider.ts";
import type { ProviderBehaviour } from "../../functions/adapters/provider-catalogue/provider-entry.ts";

/** Secrets that a token request sends, and that no result may repeat. The last is short, as some secrets are. */
export const sentSecrets = ["canary-refresh-token", "canary+secret/=", "cnry"];

const canary = fc.constantFrom(...sentSecrets);
/** Text that may hold a secret that was sent, anywhere. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.tuple(fc.string(), canary, fc.string()).map((parts) => parts.join("")),
);

const entries = Object.values(catalogue);
const rules = entries.flatMap(({ errors = [] }) => errors);
const knownErrors = rules.flatMap(({ error }) => (error === undefined ? [] : [error]));
const knownTexts = rules.flatMap((rule) => (rule.text === undefined ? [] : [rule.text]));

/** Providers of the catalogue, and others that an integration may describe. */
export const behaviour: fc.Arbitrary<ProviderBehaviour> = fc.oneof(
  fc.constantFrom<ProviderBehaviour[]>(...entries),
  fc.record<ProviderBehaviour>(
    {
      tokensAt: fc.constantFrom("data", "data.inner", "authed_user"),
      accessTokenMember: fc.constantFrom("token", "accessToken"),
      refreshTokenMember: fc.constantFrom("rt", "refreshToken"),
      scopeMember: fc.constantFrom("scopes", "scope"),
      scopeSeparator: fc.constantFrom("space", "comma"),
      accessTokenEnd: fc.oneof(
        fc.record({
          as: fc.constantFrom("seconds" as const, "milliseconds" as const),
          member: fc.constantFrom("ends", "expires_in"),
        }),
        fc.record({
          as: fc.constantFrom("epoch_seconds" as const, "iso_8601" as const),
          member: fc.constantFrom("ends", "expires_at"),
        }),
        fc.record({ as: fc.constantFrom("jwt_exp" as const, "never" as const) }),
      ),
      rotation: fc.constantFrom("always", "never"),
      renewsWith: fc.constantFrom("refresh_token", "access_token"),
      refreshTokenIdleSeconds: fc.constantFrom(60, 86_400),
      refreshTokenAbsoluteSeconds: fc.constantFrom(60, 86_400),
      accessTokenLifetimeSeconds: fc.constantFrom(60, 3_600),
      errorAt: fc.constantFrom("code", "error.code", "errors.0.type"),
      errorTextAt: fc.constantFrom("message", "error.message"),
      failureFlag: fc.constant({ at: "ok", is: false }),
      errors: fc.constant([
        { means: "dead", error: "gone" },
        { means: "dead", text: "is dead", status: [400, 500] },
        { means: "transient", status: [418] },
      ] as const),
    },
    { requiredKeys: [] },
  ),
);

const errorCode = fc.constantFrom(
  ...["invalid_grant", "invalid_client", "slow_down", "server_error", "gone", ...knownErrors],
);
const errorText = fc.constantFrom("It is dead, Jim.", "is dead", ...knownTexts);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  text,
  errorCode,
  errorText,
  fc.constantFrom(0, -1, 3600, "3600", 190, true, false, null),
);
const memberName = fc.constantFrom(
  ...["error", "error_description", "code", "message", "type", "ok", "data", "authed_user"],
  ...["access_token", "refresh_token", "token_type", "scope", "scopes", "token", "rt", "ends"],
  ...["expires_in", "expires_at", "refresh_expires_in", "id_token", "other_tokens"],
  ...["__proto__", "constructor", "toJSON", "length"],
);
const flatMembers = fc.dictionary(fc.oneof(memberName, fc.string()), value, { maxKeys: 8 });

/** The members of a response, some of which are objects themselves. */
const members = fc
  .tuple(flatMembers, fc.dictionary(memberName, flatMembers, { maxKeys: 2 }))
  .map(([flat, nested]) => ({ ...flat, ...nested }));

/** An error in a form like that of one of these providers. */
const errorMembers = fc
  .tuple(errorCode, errorText, flatMembers)
  .chain(([code, words, others]) =>
    fc.constantFrom(
      { ...others, error: code, error_description: words },
      { ...others, code, message: words },
      { ...others, error: { code, message: words, type: code } },
      { ...others, errors: [{ type: code }], message: words, ok: false },
    ),
  );

/** Members beside the tokens. None has a name under which a provider has tokens. */
export const bystanders = members.map((of) =>
  Object.fromEntries(
    Object.entries(of).filter(([name]) => !/token|^rt$|^data$|authed/i.test(name)),
  ),
);

const formOf = (of: object): string =>
  new URLSearchParams(
    Object.entries(of).map(([name, value]): [string, string] => [
      name,
      (typeof value === "string" ? value : JSON.stringify(value)).toWellFormed(),
    ]),
  ).toString();

/** The bytes of a body: JSON, a form, text or anything else, in UTF-8 or another encoding. */
export const body: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .oneof(
      text,
      value.map((json) => JSON.stringify(json)),
      members.map((of) => JSON.stringify(of)),
      members.map(formOf),
      errorMembers.map((of) => JSON.stringify(of)),
      errorMembers.map(formOf),
    )
    .chain((content) =>
      fc
        .constantFrom("utf8" as const, "latin1" as const, "utf16le" as const)
        .map((encoding) =>
          encoding === "utf16le"
            ? Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(content, encoding)])
            : Buffer.from(content, encoding),
        ),
    ),
);

/** Headers with values that the parser of HTTP accepts. */
export const headers = fc.record(
  {
    "content-type": fc.oneof(text, fc.constantFrom("application/json", "text/html; charset=x")),
    "retry-after": fc.oneof(text, fc.nat().map(String)),
    "www-authenticate": fc.oneof(text, fc.constant("Basic")),
    date: text,
  },
  { requiredKeys: [] },
);

export const status = fc.oneof(
  fc.constantFrom(200, 201, 302, 400, 400, 401, 403, 418, 429, 500, 503),
  fc.integer({ min: 200, max: 599 }).filter((code) => ![204, 205, 304].includes(code)),
);
