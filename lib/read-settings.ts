import type { Setting } from "./setting-kinds.ts";
import {
  type JwtName,
  type JwtSettings,
  type Settings,
  type SettingValues,
  settingPrefix,
  settings,
} from "./settings.ts";

/** Every setting at fault, by its name in the context. */
export class InvalidSettings extends Error {
  constructor(faults: readonly string[]) {
    super(`invalid settings: ${faults.join("; ")}`);
    this.name = "InvalidSettings";
  }
}

type Context = Readonly<Record<string, unknown>>;

/**
 * @param context the CDK's, whose other members are left alone
 * @throws {InvalidSettings} also for a name with our prefix that is not a setting's
 */
export function readSettings(context: Context): Settings {
  const faults: string[] = [];
  const { secretPrefix, jwtIssuer, jwtAudience, jwtJwksUri, jwtAlgorithms, ...values } = readValues(
    context,
    faults,
  );
  const jwt = jwtSettings({ jwtIssuer, jwtAudience, jwtJwksUri, jwtAlgorithms }, faults);
  faults.push(...unknownNames(context));
  if (faults.length > 0) throw new InvalidSettings(faults);
  return { ...values, secretPrefix: secretPrefix ?? `oauth-token-refresh/${values.stage}`, jwt };
}

/** A setting that is absent, empty or at fault has its default: with a fault, no value is used. */
function readValues(context: Context, faults: string[]): SettingValues {
  const values = Object.entries<Setting<unknown>>(settings).map(([name, setting]) => {
    const stated = context[settingPrefix + name] ?? "";
    const value = stated === "" ? setting.default : setting.parse(stated);
    if (stated !== "" && value === undefined) {
      faults.push(`${settingPrefix}${name}: expected ${setting.expected}`);
    }
    return [name, value ?? setting.default] as const;
  });
  return Object.fromEntries(values) as SettingValues;
}

function jwtSettings(
  { jwtIssuer, jwtAudience, jwtJwksUri, jwtAlgorithms }: Pick<SettingValues, JwtName>,
  faults: string[],
): JwtSettings | undefined {
  if (jwtIssuer !== undefined && jwtAudience !== undefined && jwtJwksUri !== undefined) {
    const [issuer, audience, jwksUri] = [jwtIssuer, jwtAudience, jwtJwksUri];
    return { issuer, audience, jwksUri, algorithms: jwtAlgorithms };
  }
  if ([jwtIssuer, jwtAudience, jwtJwksUri, jwtAlgorithms].some((value) => value !== undefined)) {
    faults.push(
      `${settingPrefix}jwtIssuer: goes with jwtAudience and jwtJwksUri: all of them or none`,
    );
  }
  return undefined;
}

function unknownNames(context: Context): string[] {
  const known = Object.keys(settings).map((name) => settingPrefix + name);
  return Object.keys(context)
    .filter((name) => name.startsWith(settingPrefix) && !known.includes(name))
    .map((name) => `${name} is not a setting; there are ${known.join(", ")}`);
}
