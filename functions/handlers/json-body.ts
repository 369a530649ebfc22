import type { MiddlewareObj } from "@middy/core";
import httpJsonBodyParser from "@middy/http-json-body-parser";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { RefreshError } from "../domain/model/errors.ts";
import type { Fault } from "../validation/check.ts";
import { headerValues } from "./headers.ts";
import { maximumBodyLength, unreadableBody } from "./refresh-request.ts";

const jsonMediaType = /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i;

/**
 * The body parser. The body may be absent, and then needs no media type.
 * @throws {RefreshError} `unsupported_media_type`
 * @throws {InvalidRequest} malformed JSON, a forbidden key, a body that is too long
 */
export function jsonBody(): MiddlewareObj<APIGatewayProxyEvent, APIGatewayProxyResult> {
  const { before: parse } = httpJsonBodyParser<APIGatewayProxyEvent>({
    disableContentTypeCheck: true,
  });
  return {
    async before(request) {
      const { event } = request;
      if (!event.body) {
        event.body = null;
        return;
      }
      const types = headerValues(event, "content-type");
      if (types.length === 0 || !types.every((type) => jsonMediaType.test(type))) {
        throw new RefreshError("unsupported_media_type");
      }
      if (event.body.length > maximumBodyLength) throw unreadableBody(event, tooLong);
      try {
        await parse?.({ ...request, event });
      } catch (error) {
        throw unreadableBody(event, bodyFault(error));
      }
    },
  };
}

const tooLong: Fault = {
  path: ["body"],
  type: "string_too_long",
  text: `expected at most ${maximumBodyLength} characters`,
  limit: maximumBodyLength,
};

/** The parser's error holds the name of a forbidden key, or V8's message about malformed JSON. */
function bodyFault(error: unknown): Fault {
  const { data, message } = causeOf(error);
  if (message === undefined && typeof data === "string") {
    return { path: ["body", data], type: "extra_forbidden", text: "is not known" };
  }
  const [, position = "0"] = /at position (\d+)/.exec(String(message)) ?? [];
  return { path: ["body", Number(position)], type: "json_invalid", text: "expected JSON" };
}

const causeOf = (error: unknown): { data?: unknown; message?: unknown } =>
  error instanceof Error && typeof error.cause === "object" ? { ...error.cause } : {};
