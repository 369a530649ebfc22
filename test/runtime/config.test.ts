import {
  apiConfig,
  authorizerConfig,
  rescueConfig,
  sweepConfig,
  tokenCipherConfig,
  workerConfig,
} from "../../functions/runtime/config.ts";

const api = {
  CONNECTIONS_TABLE: "connections",
  COORDINATION_TABLE: "coordination",
  SECRET_PREFIX: "oauth/prod",
  KMS_KEY_ID: "key",
  BRANCH_KEYS_TABLE: "branch-keys",
  STAGE: "prod",
};
const authorizer = { API_KEYS_TABLE: "api-keys" };
const jwt = {
  ...authorizer,
  JWT_ISSUER: "https://issuer.example",
  JWT_AUDIENCE: "api",
  JWT_JWKS_URI: "https://issuer.example/jwks",
};

describe("the API function's configuration", () => {
  it("has a default for everything but the deployment's own names", () => {
    expect(apiConfig(api)).toEqual({
      connectionsTable: "connections",
      coordinationTable: "coordination",
      rescueQueueUrl: undefined,
      sweepIntervalMs: 60_000,
      giveUpAfterMs: 604_800_000,
      secretPrefix: "oauth/prod",
      kmsKeyId: "key",
      formerKmsKeyIds: [],
      branchKeysTable: "branch-keys",
      stage: "prod",
      tokenFormat: 1,
      tokenKeySource: "branch",
      branches: 16,
      requiresBinding: false,
      providerTimeoutSeconds: 15,
      coalesceWindowMs: 10_000,
      clientCacheMs: 300_000,
      allowLoopback: false,
      logLevel: "INFO",
    });
  });

  it("reads every setting", () => {
    expect(
      apiConfig({
        ...api,
        FORMER_KMS_KEY_IDS: "key-1, key-2",
        TOKEN_FORMAT: "2",
        TOKEN_KEY_SOURCE: "connection",
        BRANCH_KEYS: "4",
        REQUIRE_BOUND_TOKENS: "true",
        PROVIDER_TIMEOUT_SECONDS: "1.5",
        COALESCE_WINDOW_SECONDS: "0",
        CLIENT_CACHE_SECONDS: "0",
        SWEEP_INTERVAL_SECONDS: "300",
        GIVE_UP_AFTER_SECONDS: "86400",
        RESCUE_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/rescue",
        ALLOW_LOOPBACK_PROVIDERS: "true",
        LOG_LEVEL: "debug",
      }),
    ).toMatchObject({
      formerKmsKeyIds: ["key-1", "key-2"],
      tokenFormat: 2,
      tokenKeySource: "connection",
      branches: 4,
      requiresBinding: true,
      providerTimeoutSeconds: 1.5,
      coalesceWindowMs: 0,
      clientCacheMs: 0,
      sweepIntervalMs: 300_000,
      giveUpAfterMs: 86_400_000,
      rescueQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/rescue",
      allowLoopback: true,
      logLevel: "DEBUG",
    });
  });

  it("names all missing variables in one error; an empty one is missing", () => {
    expect(() => apiConfig({ KMS_KEY_ID: "" })).toThrow(
      "invalid environment: KMS_KEY_ID: required; BRANCH_KEYS_TABLE: required; STAGE: required; CONNECTIONS_TABLE: required; COORDINATION_TABLE: required; SECRET_PREFIX: required",
    );
  });

  it("names all invalid variables, besides the missing ones", () => {
    const environment = {
      CONNECTIONS_TABLE: "connections",
      SECRET_PREFIX: "oauth/",
      FORMER_KMS_KEY_IDS: "key-1,,key-2",
      TOKEN_FORMAT: "3",
      TOKEN_KEY_SOURCE: "none",
      PROVIDER_TIMEOUT_SECONDS: "19",
      COALESCE_WINDOW_SECONDS: "-1",
      CLIENT_CACHE_SECONDS: "soon",
      RESCUE_QUEUE_URL: "rescue",
      ALLOW_LOOPBACK_PROVIDERS: "yes",
      LOG_LEVEL: "SILENT",
    };
    for (const name of [
      "SECRET_PREFIX: ",
      "KMS_KEY_ID: required",
      "FORMER_KMS_KEY_IDS: expected values separated by commas",
      "TOKEN_FORMAT: expected one of 1, 2",
      "TOKEN_KEY_SOURCE: expected one of branch, connection",
      "PROVIDER_TIMEOUT_SECONDS: expected seconds, 1 to 18",
      "COALESCE_WINDOW_SECONDS: ",
      "CLIENT_CACHE_SECONDS: ",
      "RESCUE_QUEUE_URL: expected an http or https address",
      "ALLOW_LOOPBACK_PROVIDERS: ",
      "LOG_LEVEL: ",
    ]) {
      expect(() => apiConfig(environment)).toThrow(name);
    }
  });
});

describe("the worker's configuration", () => {
  it("is the API function's, and the number of messages that are processed at a time", () => {
    expect(workerConfig(api)).toEqual({ ...apiConfig(api), concurrency: 10 });
    expect(workerConfig({ ...api, WORKER_CONCURRENCY: "3" }).concurrency).toBe(3);
  });

  it.each(["0", "101", "2.5", "many"])(
    "rejects a WORKER_CONCURRENCY of %s",
    (WORKER_CONCURRENCY) => {
      expect(() => workerConfig({ ...api, WORKER_CONCURRENCY })).toThrow(
        "WORKER_CONCURRENCY: expected a whole number, 1 to 100",
      );
    },
  );

  it.each([
    ["SWEEP_INTERVAL_SECONDS", "0", "expected seconds, 1 to 3600"],
    ["GIVE_UP_AFTER_SECONDS", "60", "expected seconds, 3600 to 31622400"],
  ])("rejects a %s of %s", (name, value, expected) => {
    expect(() => workerConfig({ ...api, [name]: value })).toThrow(`${name}: ${expected}`);
  });
});

describe("the sweep's configuration", () => {
  const sweep = {
    CONNECTIONS_TABLE: "connections",
    COORDINATION_TABLE: "coordination",
    REFRESH_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/refresh",
  };

  it("is its tables and its queue", () => {
    expect(sweepConfig(sweep)).toEqual({
      connectionsTable: "connections",
      coordinationTable: "coordination",
      refreshQueueUrl: sweep.REFRESH_QUEUE_URL,
      logLevel: "INFO",
    });
  });

  it("names missing variables and an invalid address", () => {
    expect(() => sweepConfig({ REFRESH_QUEUE_URL: "refresh" })).toThrow(
      "CONNECTIONS_TABLE: required; COORDINATION_TABLE: required; REFRESH_QUEUE_URL: expected an http or https address",
    );
  });
});

describe("the configuration of the rescue queue's worker", () => {
  it("is how token sets are encrypted, the table, and the log level", () => {
    const tokenCipher = { KMS_KEY_ID: "key", BRANCH_KEYS_TABLE: "branch-keys", STAGE: "prod" };
    const environment = { ...tokenCipher, CONNECTIONS_TABLE: "connections", LOG_LEVEL: "WARN" };
    expect(rescueConfig(environment)).toEqual({
      ...tokenCipherConfig(tokenCipher),
      connectionsTable: "connections",
      logLevel: "WARN",
    });
  });

  it("names all faults in one error", () => {
    expect(() => rescueConfig({ LOG_LEVEL: "SILENT" })).toThrow(
      "invalid environment: KMS_KEY_ID: required; BRANCH_KEYS_TABLE: required; STAGE: required; CONNECTIONS_TABLE: required; LOG_LEVEL: expected one of",
    );
  });
});

describe("the authorizer's configuration", () => {
  it("needs no JWT issuer", () => {
    expect(authorizerConfig(authorizer)).toEqual({
      apiKeysTable: "api-keys",
      jwt: undefined,
      callers: undefined,
      logLevel: "INFO",
    });
  });

  it("reads the buckets of the API's callers, which need the stage", () => {
    const callers = { CALLER_BUCKETS: "64", STAGE: "main" };
    expect(authorizerConfig({ ...authorizer, ...callers }).callers).toEqual({
      stage: "main",
      buckets: 64,
    });
    expect(() => authorizerConfig({ ...authorizer, CALLER_BUCKETS: "65" })).toThrow(
      "STAGE: required; CALLER_BUCKETS: expected",
    );
  });

  it("reads an issuer", () => {
    expect(authorizerConfig({ ...jwt, JWT_ALGORITHMS: "ES256, EdDSA" }).jwt).toEqual({
      issuer: "https://issuer.example",
      audience: "api",
      jwksUri: new URL("https://issuer.example/jwks"),
      algorithms: ["ES256", "EdDSA"],
    });
    expect(authorizerConfig(jwt).jwt?.algorithms).toEqual(["RS256", "PS256", "ES256", "EdDSA"]);
  });

  it("rejects an incomplete issuer", () => {
    expect(() => authorizerConfig({ JWT_ISSUER: "https://issuer.example" })).toThrow(
      "invalid environment: API_KEYS_TABLE: required; JWT_AUDIENCE: required; JWT_JWKS_URI: required",
    );
  });

  it.each(["none", "HS256", "RS256,HS512", ""])(
    "rejects an algorithm without a key pair: %p",
    (algorithms) => {
      const read = () => authorizerConfig({ ...jwt, JWT_ALGORITHMS: algorithms });
      if (algorithms === "") expect(read).not.toThrow();
      else expect(read).toThrow("JWT_ALGORITHMS: ");
    },
  );

  it.each([
    ["http://issuer.example/jwks", "true"],
    ["http://127.0.0.1:9000/jwks", "false"],
    ["http://127.0.0.1.issuer.example/jwks", "true"],
    ["ftp://127.0.0.1/jwks", "true"],
    ["not an address", "true"],
  ])("rejects the key set address %s, loopback allowed: %s", (address, allowed) => {
    const environment = { ...jwt, JWT_JWKS_URI: address, ALLOW_LOOPBACK_PROVIDERS: allowed };
    expect(() => authorizerConfig(environment)).toThrow("JWT_JWKS_URI: expected an https address");
  });

  it.each(["http://127.0.0.1:9000/jwks", "http://localhost/jwks", "http://[::1]:9000/jwks"])(
    "accepts %s when loopback is allowed",
    (address) => {
      const environment = { ...jwt, JWT_JWKS_URI: address, ALLOW_LOOPBACK_PROVIDERS: "true" };
      expect(authorizerConfig(environment).jwt?.jwksUri.href).toBe(address);
    },
  );
});
