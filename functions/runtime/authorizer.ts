import { keyDigest as digest } from "../adapters/authentication/key-digest.ts";
import { dynamoDbClient } from "../adapters/aws/clients.ts";
import { systemClock as clock } from "../adapters/clock/system-clock.ts";
import { dynamoDbApiKeys } from "../adapters/dynamodb/api-keys.ts";
import { authenticate } from "../domain/authentication.ts";
import { callerBucketOf, usageKeyOf } from "../domain/model/caller-bucket.ts";
import type { TokenVerifier } from "../domain/ports/authentication.ts";
import type { AuthorizerDependencies } from "../handlers/authorizer.ts";
import { createLogger, logTo } from "../telemetry/log.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { authorizerConfig, type JwtConfig } from "./config.ts";
import type { Environment } from "./environment.ts";

/** The dependencies of the authorizer. @throws {InvalidEnvironment} */
export function authorizerRuntime(environment: Environment): AuthorizerDependencies {
  const { apiKeysTable, jwt, callers, logLevel } = authorizerConfig(environment);
  const ids = () => requestScope.getStore();
  return {
    authenticate: authenticate({
      apiKeys: dynamoDbApiKeys({ client: dynamoDbClient(), tableName: apiKeysTable }),
      digest,
      tokens: jwt && lazyVerifier(jwt),
      clock,
    }),
    usageKeyOf:
      callers &&
      ((principalId) => usageKeyOf(callers.stage, callerBucketOf(principalId, callers.buckets))),
    log: logTo(createLogger({ service: "authorizer", logLevel, ids })),
  };
}

/** A deployment whose callers all have API keys never evaluates the JOSE code. */
function lazyVerifier(jwt: JwtConfig): TokenVerifier {
  let loading: Promise<TokenVerifier> | undefined;
  const load = async (): Promise<TokenVerifier> => {
    const { jwtVerifier } = await import("../adapters/authentication/jwt-verifier.ts");
    return jwtVerifier({ ...jwt, clock });
  };
  return {
    async verify(token) {
      loading ??= load();
      return (await loading).verify(token);
    },
  };
}
