import { budgetFor, gatewayTimeoutMs } from "../../functions/domain/model/budget.ts";
import {
  apiConfig,
  authorizerConfig,
  rescueConfig,
  sweepConfig,
  workerConfig,
} from "../../functions/runtime/config.ts";
import type { Environment } from "../../functions/runtime/environment.ts";
import type { Setting } from "../../lib/setting-kinds.ts";
import { settings } from "../../lib/settings.ts";
import { deployed, legible, type Properties, propertiesOf } from "./deployed.ts";

describe("service stack", () => {
  const { service } = deployed();
  const functionOf = (id: string) =>
    propertiesOf(service, "AWS::Lambda::Function", `${id}Function`);

  it("runs one bundle each on Node.js 24 and arm64, traced, with a log of its own", () => {
    for (const id of ["Refresh", "Worker", "Sweep", "Rescue", "Authorizer"]) {
      expect(functionOf(id)).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        MemorySize: 1024,
        TracingConfig: { Mode: "Active" },
        LoggingConfig: { LogGroup: { Ref: expect.stringContaining(`${id}Log`) } },
      });
      expect(functionOf(id)).not.toHaveProperty("ReservedConcurrentExecutions");
    }
  });

  it("keeps every log for a time, and beyond the stack", () => {
    const logs = Object.values(service.findResources("AWS::Logs::LogGroup"));
    expect(logs).toHaveLength(6);
    for (const log of logs) {
      expect(log).toMatchObject({ DeletionPolicy: "Retain", Properties: { RetentionInDays: 30 } });
    }
  });

  it("holds the direct invocations that failed for good", () => {
    const { DestinationConfig } = propertiesOf(
      service,
      "AWS::Lambda::EventInvokeConfig",
      "Refresh",
    );
    expect(legible(DestinationConfig)).toEqual({
      OnFailure: { Destination: "FailedInvocationsArn" },
    });
  });

  it("tells where the API and the queues are", () => {
    expect(Object.keys(service.findOutputs("*"))).toEqual([
      ...["ApiUrl", "RefreshFunctionArn", "RefreshQueueUrl", "RescueQueueUrl"],
    ]);
    expect(legible(service.findOutputs("ApiUrl").ApiUrl?.Value)).toMatch(
      /^https:\/\/\w+\.execute-api\.AWS::Region\.AWS::URLSuffix\/main$/,
    );
  });
});

describe("environment of the functions", () => {
  const jwt = {
    "refresh:jwtIssuer": "https://issuer.example/",
    "refresh:jwtAudience": "refresh",
    "refresh:jwtJwksUri": "https://issuer.example/jwks",
    "refresh:jwtAlgorithms": "ES256",
  };
  const { service } = deployed({ ...jwt, "refresh:logLevel": "DEBUG" });

  /** Values that are known at deployment alone become texts. */
  const environmentOf = (id: string): Record<string, string> => {
    const { Variables } = propertiesOf(service, "AWS::Lambda::Function", `${id}Function`)
      .Environment as { Variables: Properties };
    return Object.fromEntries(
      Object.entries(Variables).map(([name, value]) => {
        const text = String(legible(value)).replace(/[0-9A-F]{8}$/, "");
        return [name, name.endsWith("_QUEUE_URL") ? `https://sqs.example/${text}` : text];
      }),
    );
  };

  /** The names that are read, whether they are there or not. */
  function namesReadBy(read: (environment: Environment) => unknown, environment: Environment) {
    const names = new Set<string>();
    read(
      new Proxy(environment, {
        get: (target, name: string) => {
          names.add(name);
          return target[name];
        },
      }),
    );
    return [...names].sort();
  }

  it.each([
    ["Refresh", apiConfig],
    ["Worker", workerConfig],
    ["Sweep", sweepConfig],
    ["Rescue", rescueConfig],
    ["Authorizer", authorizerConfig],
  ] as const)("of %s is all that it reads", (id, read) => {
    const environment = environmentOf(id);
    const forDevelopment = "ALLOW_LOOPBACK_PROVIDERS";
    expect(Object.keys(environment).sort()).toEqual(
      namesReadBy(read, environment).filter((name) => name !== forDevelopment),
    );
  });

  it("names what is deployed", () => {
    const tokenCipher = {
      kmsKeyId: "TokenKeyArn",
      formerKmsKeyIds: [],
      branchKeysTable: "BranchKeys",
      stage: "main",
      tokenFormat: 1,
      tokenKeySource: "branch",
      branches: 16,
    };
    const refreshing = {
      ...tokenCipher,
      connectionsTable: "Connections",
      coordinationTable: "Coordination",
      rescueQueueUrl: "https://sqs.example/RescuesQueue",
      // A minute, and the one at any second of which the schedule may begin.
      sweepIntervalMs: 120_000,
      giveUpAfterMs: 7 * 24 * 60 * 60 * 1000,
      secretPrefix: "oauth-token-refresh/main",
      requiresBinding: false,
      providerTimeoutSeconds: 15,
      coalesceWindowMs: 10_000,
      clientCacheMs: 300_000,
      allowLoopback: false,
      logLevel: "DEBUG",
    };
    expect(apiConfig(environmentOf("Refresh"))).toEqual(refreshing);
    expect(workerConfig(environmentOf("Worker"))).toEqual({ ...refreshing, concurrency: 10 });
    expect(sweepConfig(environmentOf("Sweep"))).toEqual({
      connectionsTable: "Connections",
      coordinationTable: "Coordination",
      refreshQueueUrl: "https://sqs.example/RefreshesQueue",
      logLevel: "DEBUG",
    });
    expect(rescueConfig(environmentOf("Rescue"))).toEqual({
      ...tokenCipher,
      connectionsTable: "Connections",
      rescueQueueUrl: "https://sqs.example/RescuesQueue",
      logLevel: "DEBUG",
    });
    expect(authorizerConfig(environmentOf("Authorizer"))).toMatchObject({
      apiKeysTable: "ApiKeys",
      jwt: { issuer: "https://issuer.example/", audience: "refresh", algorithms: ["ES256"] },
    });
  });

  it("has the variable of every setting that names one", () => {
    const names = ["Refresh", "Worker", "Sweep", "Rescue", "Authorizer"].flatMap((id) =>
      Object.keys(environmentOf(id)),
    );
    const stated = Object.values<Setting<unknown>>(settings).flatMap(
      ({ variable }) => variable ?? [],
    );
    expect(stated).toContain("PROVIDER_TIMEOUT_SECONDS");
    expect(names).toEqual(expect.arrayContaining(stated));
  });

  it("is refused at synthesis where the function would refuse it", () => {
    expect(() => deployed({ ...jwt, "refresh:jwtAlgorithms": "HS256" })).toThrow("JWT_ALGORITHMS");
  });
});

describe("time", () => {
  it.each([1, 18])("provider %i s < lease < function < gateway", (providerTimeoutSeconds) => {
    const { service } = deployed({ "refresh:providerTimeoutSeconds": providerTimeoutSeconds });
    const { leaseMs } = budgetFor(providerTimeoutSeconds);
    const { Timeout, Environment } = propertiesOf(
      service,
      "AWS::Lambda::Function",
      "RefreshFunction",
    ) as { Timeout: number; Environment: { Variables: Properties } };
    const { Integration } = propertiesOf(service, "AWS::ApiGateway::Method") as {
      Integration: Properties;
    };
    const times = [
      Number(Environment.Variables.PROVIDER_TIMEOUT_SECONDS) * 1000,
      leaseMs,
      Timeout * 1000,
      Number(Integration.TimeoutInMillis),
    ];
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(times[0]).toBe(providerTimeoutSeconds * 1000);
    expect(times[3]).toBe(gatewayTimeoutMs);
  });

  it("leaves the authorizer less than the gateway waits for it", () => {
    const { service } = deployed();
    const { Timeout } = propertiesOf(service, "AWS::Lambda::Function", "AuthorizerFunction");
    expect(Timeout).toBe(10);
  });
});

describe("settings of a deployment", () => {
  const { service } = deployed({
    "refresh:reservedConcurrency": 20,
    "refresh:gatewayLogRole": false,
    "refresh:throwAway": true,
  });

  it("reserves concurrency for refreshes", () => {
    const refresh = propertiesOf(service, "AWS::Lambda::Function", "RefreshFunction");
    expect(refresh.ReservedConcurrentExecutions).toBe(20);
  });

  it("leaves the account's role for the gateway's logs alone", () => {
    service.resourceCountIs("AWS::ApiGateway::Account", 0);
  });

  it("leaves no log and no queue behind", () => {
    service.allResources("AWS::Logs::LogGroup", { DeletionPolicy: "Delete" });
    service.allResources("AWS::SQS::Queue", { DeletionPolicy: "Delete" });
  });
});
