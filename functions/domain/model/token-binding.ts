/** The client that a token set was issued to, and the endpoint that issued it. It is sent to nobody else. */
export interface TokenBinding {
  /** `client_id` of RFC 6749 §2.2. */
  readonly clientId: string;
  /** Origin of the token endpoint (RFC 6454 §6.2): `https://provider.example`. */
  readonly origin: string;
  /**
   * Path of the token endpoint. An attacker who could choose it would have another API at the same origin store a
   * refresh token as content of his own: a chat message, for instance.
   */
  readonly path: string;
}

/** The client and the endpoint that a token request is about to go to. */
export interface Recipient extends TokenBinding {
  /** The origin itself has stated the path, in its metadata (RFC 8414), and may move it. */
  readonly pathIsDiscovered: boolean;
}

/** The origins of one provider's token endpoints. A token set of one may be sent to any other. */
export interface ProviderOrigins {
  readonly origins: readonly string[];
  /** A domain of the provider's own, below which it runs every host: `provider.example`. */
  readonly below?: string | undefined;
}

/**
 * True: tokens with this binding may be sent to `recipient`.
 * @param providerOrigins of the provider whose own endpoint, as the catalogue has it, the recipient is
 */
export const permits = (
  bound: TokenBinding,
  recipient: Recipient,
  providerOrigins: ProviderOrigins | undefined,
): boolean =>
  bound.clientId === recipient.clientId &&
  (isSameEndpoint(bound, recipient) || isSameProvider(bound, recipient, providerOrigins));

const isSameEndpoint = (bound: TokenBinding, recipient: Recipient): boolean =>
  bound.origin === recipient.origin &&
  (bound.path === recipient.path || recipient.pathIsDiscovered);

const isSameProvider = (
  bound: TokenBinding,
  recipient: TokenBinding,
  { origins, below }: ProviderOrigins = { origins: [] },
): boolean =>
  [bound.origin, recipient.origin].every(
    (origin) => origins.includes(origin) || (below !== undefined && isBelow(origin, below)),
  );

const isBelow = (origin: string, domain: string): boolean =>
  /^https:\/\/[a-z0-9.-]+$/.test(origin) && origin.endsWith(`.${domain}`);
