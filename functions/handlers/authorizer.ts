import type { APIGatewayAuthorizerEvent, APIGatewayAuthorizerResult, Context } from "aws-lambda";
import type { Authenticate, Authentication, Principal } from "../domain/authentication.ts";
import { Secret } from "../domain/model/secret.ts";
import { refused } from "../domain/ports/authentication.ts";
import type { Log } from "../telemetry/log.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { headerValues } from "./headers.ts";

export interface AuthorizerDependencies {
  readonly authenticate: Authenticate;
  readonly log: Log;
}

/**
 * Lambda authorizer of a REST API, its identity source the Authorization header alone: X-Workspace-Id
 * is judged by the API function, so the gateway's cache needs no other key. Deployed with type REQUEST,
 * which shows a header that is sent twice; it understands TOKEN as well.
 *
 * What it throws decides the answer: `Unauthorized`, 401; anything else, the gateway's authorizer
 * error, 503 by our gateway responses. A Deny policy is 403.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
export const authorizerHandler =
  ({ authenticate, log }: AuthorizerDependencies) =>
  (event: APIGatewayAuthorizerEvent, { awsRequestId: lambdaRequestId }: Context) =>
    requestScope.run(
      { requestId: requestIdOf(event) ?? lambdaRequestId, lambdaRequestId },
      async (): Promise<APIGatewayAuthorizerResult> => {
        const bearer = bearerOf(event);
        const authentication =
          bearer === undefined
            ? refused("not_bearer")
            : await authenticate(bearer).catch((error: unknown) => {
                log("auth.unavailable", { error });
                throw new Error("authorization unavailable");
              });
        tell(log, authentication);
        if (authentication.kind === "refused") throw new Error("Unauthorized");
        return policy(event.methodArn, authentication.principal, authentication.mayRefresh);
      },
    );

const requestIdOf = (event: APIGatewayAuthorizerEvent): string | undefined =>
  event.type === "REQUEST" ? event.requestContext?.requestId : undefined;

const authorizationsOf = (event: APIGatewayAuthorizerEvent): readonly string[] =>
  event.type === "TOKEN" ? [event.authorizationToken] : headerValues(event, "authorization");

/** RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1. Several headers are none. */
function bearerOf(event: APIGatewayAuthorizerEvent): Secret | undefined {
  const [authorization = "", ...others] = authorizationsOf(event);
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization) ?? [];
  return token === undefined || others.length > 0 ? undefined : new Secret(token);
}

function tell(log: Log, authentication: Authentication): void {
  if (authentication.kind === "refused") {
    log("auth.refused", { reason: authentication.reason });
    return;
  }
  const { principalId, defaultWorkspaceId } = authentication.principal;
  const code = authentication.mayRefresh ? "auth.accepted" : "auth.out_of_scope";
  log(code, { principal_id: principalId, workspace_id: defaultWorkspaceId });
}

/** For the whole stage: the gateway caches it for every path that the credential is used on. */
function policy(
  methodArn: string,
  principal: Principal,
  mayRefresh: boolean,
): APIGatewayAuthorizerResult {
  const stage = methodArn.split("/").slice(0, 2).join("/");
  const { principalId, defaultWorkspaceId, workspaceIds } = principal;
  return {
    principalId,
    policyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          Action: "execute-api:Invoke",
          Effect: mayRefresh ? "Allow" : "Deny",
          Resource: `${stage}/*`,
        },
      ],
    },
    context: {
      workspace_ids: workspaceIds.join(" "),
      ...(defaultWorkspaceId && { default_workspace_id: defaultWorkspaceId }),
    },
  };
}
