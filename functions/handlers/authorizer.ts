import type { APIGatewayAuthorizerEvent, APIGatewayAuthorizerResult, Context } from "aws-lambda";
import type { Authenticate, Authentication, Principal } from "../domain/authentication.ts";
import { Secret } from "../domain/model/secret.ts";
import { refused } from "../domain/ports/authentication.ts";
import type { Log } from "../telemetry/log.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { headerValues } from "./headers.ts";

export interface AuthorizerDependencies {
  readonly authenticate: Authenticate;
  /** The key under which the gateway counts a caller's requests. Undefined: it counts none. */
  readonly usageKeyOf: ((principalId: string) => string) | undefined;
  readonly log: Log;
}

/**
 * Lambda authorizer of a REST API. Its identity source is the Authorization header alone: the API function
 * checks X-Workspace-Id, so the gateway's cache needs no other key. It is deployed with type REQUEST, which
 * shows a header that is sent twice; it understands TOKEN as well.
 *
 * An error `Unauthorized` makes the gateway respond 401; any other error is the gateway's authorizer error,
 * which our gateway responses make 503. A Deny policy is 403.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
export const authorizerHandler =
  ({ authenticate, usageKeyOf, log }: AuthorizerDependencies) =>
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
        logAuthentication(log, authentication);
        if (authentication.kind === "refused") throw new Error("Unauthorized");
        const { principal, mayRefresh } = authentication;
        return {
          ...policy(event.methodArn, principal, mayRefresh),
          ...(usageKeyOf && { usageIdentifierKey: usageKeyOf(principal.principalId) }),
        };
      },
    );

const requestIdOf = (event: APIGatewayAuthorizerEvent): string | undefined =>
  event.type === "REQUEST" ? event.requestContext?.requestId : undefined;

const authorizationsOf = (event: APIGatewayAuthorizerEvent): readonly string[] =>
  event.type === "TOKEN" ? [event.authorizationToken] : headerValues(event, "authorization");

/** RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1. More than one header counts as none. */
function bearerOf(event: APIGatewayAuthorizerEvent): Secret | undefined {
  const [authorization = "", ...others] = authorizationsOf(event);
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization) ?? [];
  return token === undefined || others.length > 0 ? undefined : new Secret(token);
}

function logAuthentication(log: Log, authentication: Authentication): void {
  if (authentication.kind === "refused") {
    log("auth.refused", { reason: authentication.reason });
    return;
  }
  const { principalId, defaultWorkspaceId } = authentication.principal;
  const code = authentication.mayRefresh ? "auth.accepted" : "auth.out_of_scope";
  log(code, { principal_id: principalId, workspace_id: defaultWorkspaceId });
}

/** Covers the whole stage: the gateway caches the policy for every path that the credential is used on. */
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
