import type { MiddlewareObj } from "@middy/core";
import httpJsonBodyParser from "@middy/http-json-body-parser";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { RefreshError } from "../domain/model/errors.ts";
import type { Fault } from "./faults.ts";
import { headerValues } from "./headers.ts";
import { maximumBodyLength, unreadableBody } from "./refresh-request.ts";

const jsonMediaType = /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i;

/**
 * The body parser for a body that may be absent: nothing is asked of an empty one, not even a type.
 * @throws {RefreshError} `unsupported_media_type`
 * @throws {InvalidRequest} malformed JSON, a forbidden key, a body out of all proportion
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
  loc: ["body"],
  msg: `String should have at most ${maximumBodyLength} characters`,
  type: "string_too_long",
};

/** The parser's error tells of a forbidden key by its name, of malformed JSON by V8's message. */
function bodyFault(error: unknown): Fault {
  const { data, message } = causeOf(error);
  if (message === undefined && typeof data === "string") {
    const msg = "Extra inputs are not permitted";
    return { loc: ["body", data], msg, type: "extra_forbidden" };
  }
  const [, position = "0"] = /at position (\d+)/.exec(String(message)) ?? [];
  return { loc: ["body", Number(position)], msg: "JSON decode error", type: "json_invalid" };
}

const causeOf = (error: unknown): { data?: unknown; message?: unknown } =>
  error instanceof Error && typeof error.cause === "object" ? { ...error.cause } : {};
