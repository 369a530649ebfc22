import type { HttpExchange, HttpResponse } from "../../../../functions/adapters/http/exchange.ts";
import { exchangeResult } from "../../../../functions/adapters/token-endpoint/response/exchange-result.ts";

const resultOf = (exchange: HttpExchange) =>
  exchangeResult(exchange, { provider: {}, secrets: [] });

const responseOf = (status: number, body: string): HttpResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(body),
  receivedAtMs: 0,
});

test("a certificate that the server refuses: the client is rejected", () => {
  expect(resultOf({ kind: "certificate_refused", alert: "unknown_ca" })).toEqual({
    kind: "client_rejected",
    providerError: "TLS alert unknown_ca",
    providerErrorDescription: undefined,
  });
});

describe("a response beyond the limit", () => {
  const reason = "expected tokens, got more than 1048576 bytes";

  test.each([200, 299])("of status %s may have rotated the refresh token", (status) => {
    const partial = responseOf(status, '{"junk":"');
    expect(resultOf({ kind: "too_large", partial })).toEqual({
      kind: "unusable",
      reason,
      serverFailed: false,
      mayHaveRotated: true,
    });
  });

  test.each([undefined, responseOf(199, ""), responseOf(300, ""), responseOf(400, "")])(
    "that is no success has rotated nothing",
    (partial) => {
      expect(resultOf({ kind: "too_large", partial })).not.toHaveProperty("mayHaveRotated");
    },
  );
});

test.each<HttpExchange>([
  { kind: "too_large", partial: responseOf(200, '{"access_token":"a","refresh_token":"r","x":') },
  { kind: "timed_out", partial: responseOf(200, '{"access_token":"a","refresh_token":"r","x":') },
])("tokens in a partial response count: $kind", (exchange) => {
  expect(resultOf(exchange).kind).toBe("granted");
});
