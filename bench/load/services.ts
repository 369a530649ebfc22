import { startKms } from "../../bin/local/kms.ts";
import { startSecretsManager } from "../../bin/local/secrets-manager.ts";
import { startSqs } from "../../bin/local/sqs.ts";
import { serveParent, usedCpuMs } from "./child.ts";

export interface Services {
  readonly kms: string;
  readonly keyId: string;
  readonly secretsManager: string;
  readonly sqs: string;
}

/** KMS, Secrets Manager and SQS. */
const [kms, secretsManager, sqs] = await Promise.all([
  startKms(),
  startSecretsManager(),
  startSqs(),
]);
serveParent(
  {
    kms: kms.endpoint,
    keyId: kms.keyArn,
    secretsManager: secretsManager.endpoint,
    sqs: sqs.endpoint,
  } satisfies Services,
  { usage: usedCpuMs },
);
