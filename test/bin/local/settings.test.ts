import { resolve } from "node:path";
import { CannotStart, localSettings } from "../../../bin/local/settings.ts";

describe("settings of the local service", () => {
  test("have defaults", () => {
    expect(localSettings({})).toEqual({
      port: 3000,
      dataDirectory: undefined,
      schedule: true,
      envFile: ".local/env",
      region: "us-east-1",
      endpoints: {},
      keepsCredentials: false,
      connectionsTable: "connections",
      apiKeysTable: "api_keys",
      coordinationTable: "coordination",
      branchKeysTable: "branch_keys",
      stage: "local",
      secretPrefix: "local",
      kmsKeyId: undefined,
      refreshQueueUrl: undefined,
      rescueQueueUrl: undefined,
    });
  });

  test("come from the environment", () => {
    const settings = localSettings({
      PORT: "0",
      DATA_DIR: "data",
      LOCAL_ENV_FILE: "env",
      AWS_DEFAULT_REGION: "eu-central-1",
      CONNECTIONS_TABLE: "c",
      API_KEYS_TABLE: "k",
      SECRET_PREFIX: "p",
      SCHEDULE: "off",
    });
    expect(settings).toMatchObject({
      port: 0,
      dataDirectory: resolve("data"),
      envFile: "env",
      region: "eu-central-1",
      connectionsTable: "c",
      apiKeysTable: "k",
      secretPrefix: "p",
      schedule: false,
    });
  });

  test("report all faults in one line", () => {
    const environment = {
      PORT: "70000",
      SCHEDULE: "maybe",
      AWS_ENDPOINT_URL_DYNAMODB: "localhost:8000",
      AWS_ENDPOINT_URL_KMS: "http://127.0.0.1:1",
      AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:2",
      RESCUE_QUEUE_URL: "rescue",
    };
    expect(() => localSettings(environment)).toThrow(
      new CannotStart(
        "PORT: expected 0 (any free port) to 65535; " +
          "SCHEDULE: expected on or off; " +
          "AWS_ENDPOINT_URL_DYNAMODB: expected an http or https address; " +
          "KMS_KEY_ID is missing: AWS_ENDPOINT_URL_KMS needs it; " +
          "REFRESH_QUEUE_URL is missing: AWS_ENDPOINT_URL_SQS needs it; " +
          "RESCUE_QUEUE_URL: expected an http or https address",
      ),
    );
  });

  test("use the queues of an existing SQS", () => {
    const queues = {
      REFRESH_QUEUE_URL: "http://127.0.0.1:2/0/refresh",
      RESCUE_QUEUE_URL: "http://127.0.0.1:2/0/rescue",
    };
    const environment = { AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:2", ...queues };
    expect(localSettings(environment)).toMatchObject({
      refreshQueueUrl: queues.REFRESH_QUEUE_URL,
      rescueQueueUrl: queues.RESCUE_QUEUE_URL,
    });
  });

  test.each(["http", "-1", "3000.5", "0x10", " 80", "65536"])("reject the port %j", (PORT) => {
    expect(() => localSettings({ PORT })).toThrow("PORT: ");
  });

  const ours = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
  const given = { AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:8000" };
  test.each([
    ["a given endpoint and a key", { ...ours, ...given }, true],
    ["a given endpoint and a profile", { AWS_PROFILE: "dev", ...given }, true],
    ["a given endpoint alone", given, false],
    ["a key alone", ours, false],
  ])("keep the person's credentials for an existing endpoint: %s", (_, environment, keeps) => {
    expect(localSettings(environment).keepsCredentials).toBe(keeps);
  });

  test("do not mistake the stand-ins of an earlier start for existing endpoints", () => {
    const sourced = {
      AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1",
      AWS_ENDPOINT_URL_KMS: "http://127.0.0.1:2",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://127.0.0.1:9",
      LOCAL_STAND_INS: "http://127.0.0.1:1 http://127.0.0.1:2",
    };
    expect(localSettings(sourced).endpoints).toEqual({
      AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://127.0.0.1:9",
    });
  });
});
