import { InvalidSettings, readSettings } from "../../lib/read-settings.ts";

describe("settings", () => {
  it("needs no setting", () => {
    expect(readSettings({})).toEqual({
      stage: "main",
      throwAway: false,
      secretPrefix: "oauth-token-refresh/main",
      tokenFormat: 1,
      tokenKeySource: "branch",
      branchKeys: 16,
      requireBoundTokens: false,
      formerTokenKeyArns: undefined,
      providerTimeoutSeconds: 15,
      coalesceWindowSeconds: 10,
      clientCacheSeconds: 300,
      authorizerCacheSeconds: 60,
      schedule: true,
      sweepIntervalMinutes: 1,
      sweepers: 1,
      workerConcurrency: 10,
      workerMaximumConcurrency: 50,
      giveUpAfterDays: 7,
      jwt: undefined,
      throttleRate: 100,
      throttleBurst: 200,
      callerRate: 50,
      callerBurst: 100,
      webAclRequests: undefined,
      memoryMib: 1024,
      reservedConcurrency: undefined,
      logLevel: "INFO",
      logRetentionDays: 30,
      gatewayLogRole: true,
      alarmTopicArn: undefined,
    });
  });

  it("reads a text of the command line like a value of cdk.json", () => {
    const typed = readSettings({
      "refresh:throwAway": true,
      "refresh:providerTimeoutSeconds": 8,
      "refresh:authorizerCacheSeconds": 0,
      "refresh:logRetentionDays": 365,
    });
    const texts = readSettings({
      "refresh:throwAway": "true",
      "refresh:providerTimeoutSeconds": "8",
      "refresh:authorizerCacheSeconds": "0",
      "refresh:logRetentionDays": "365",
    });
    expect(typed).toEqual(texts);
    expect(typed).toMatchObject({ throwAway: true, authorizerCacheSeconds: 0 });
  });

  it("separates the secrets of stages", () => {
    expect(readSettings({ "refresh:stage": "staging" }).secretPrefix).toBe(
      "oauth-token-refresh/staging",
    );
  });

  it("ignores the rest of the context", () => {
    expect(() => readSettings({ "@aws-cdk/core:some": true, stage: "?" })).not.toThrow();
  });

  it("ignores an empty text", () => {
    expect(readSettings({ "refresh:stage": "" }).stage).toBe("main");
  });

  it.each([
    ["stage", "Production"],
    ["stage", 7],
    ["throwAway", "yes"],
    ["secretPrefix", "prefix/"],
    ["providerTimeoutSeconds", "0"],
    ["providerTimeoutSeconds", "19"],
    ["providerTimeoutSeconds", "7.5"],
    ["providerTimeoutSeconds", "soon"],
    ["coalesceWindowSeconds", -1],
    ["clientCacheSeconds", 86_401],
    ["authorizerCacheSeconds", "3601"],
    ["tokenFormat", 3],
    ["tokenKeySource", "none"],
    ["branchKeys", 0],
    ["formerTokenKeyArns", "alias/tokens"],
    ["schedule", "off"],
    ["sweepIntervalMinutes", 0],
    ["sweepIntervalMinutes", 31],
    ["sweepIntervalMinutes", "0.5"],
    ["sweepers", 0],
    ["sweepers", 65],
    ["workerConcurrency", 11],
    ["workerMaximumConcurrency", 1],
    ["workerMaximumConcurrency", 1001],
    ["giveUpAfterDays", 0],
    ["giveUpAfterDays", 367],
    ["throttleRate", 0],
    ["memoryMib", 64],
    ["reservedConcurrency", 0],
    ["logLevel", "LOUD"],
    ["logRetentionDays", 31],
    ["gatewayLogRole", 1],
    ["alarmTopicArn", "alarms"],
    ["jwtJwksUri", "http://issuer.example/jwks"],
  ])("rejects %s %p, and names it", (name, value) => {
    expect(() => readSettings({ [`refresh:${name}`]: value })).toThrow(`refresh:${name}: `);
  });

  it("rejects an unknown name with its prefix", () => {
    expect(() => readSettings({ "refresh:stagee": "x" })).toThrow(
      "refresh:stagee is not a setting; there are refresh:stage, ",
    );
  });

  it("reports all faults at once", () => {
    const read = () =>
      readSettings({ "refresh:stage": "?", "refresh:memoryMib": 1, "refresh:x": 1 });
    expect(read).toThrow(InvalidSettings);
    expect(read).toThrow(/refresh:stage: .*refresh:memoryMib: .*refresh:x /s);
  });

  const jwt = {
    "refresh:jwtIssuer": "https://issuer.example/",
    "refresh:jwtAudience": "refresh",
    "refresh:jwtJwksUri": "https://issuer.example/jwks",
  };

  it("accepts JWTs of an issuer", () => {
    expect(readSettings(jwt).jwt).toEqual({
      issuer: "https://issuer.example/",
      audience: "refresh",
      jwksUri: "https://issuer.example/jwks",
      algorithms: undefined,
    });
  });

  it.each(Object.keys(jwt))("rejects an issuer without %s", (name) => {
    expect(() => readSettings({ ...jwt, [name]: undefined })).toThrow("all of them or none");
  });
});
