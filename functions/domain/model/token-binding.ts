/** The client that a token set was issued to, and the server that issued it: nobody else is sent it. */
export interface TokenBinding {
  /** `client_id` of RFC 6749 §2.2. */
  readonly clientId: string;
  /** Origin of the token endpoint (RFC 6454 §6.2): `https://provider.example`. */
  readonly origin: string;
}
