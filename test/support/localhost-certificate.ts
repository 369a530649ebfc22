/**
 * A self-signed certificate for `localhost`, `127.0.0.1` and `::1`, valid from 2020 to 2120, and its key. They
 * are for TLS servers of the tests alone, and nobody's secret. Node cannot issue certificates, so this one was
 * made with OpenSSL's `req` and `ca -selfsign -startdate 20200101000000Z -enddate 21200101000000Z`, ECDSA over P-256.
 */
export const localhostCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBpDCCAUqgAwIBAgIUD8vhiyyrNXdJPFuE14+QYlNtQJswCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVbG9jYWxob3N0ICh0ZXN0IG9ubHkpMCAXDTIwMDEwMTAwMDAw
MFoYDzIxMjAwMTAxMDAwMDAwWjAgMR4wHAYDVQQDDBVsb2NhbGhvc3QgKHRlc3Qg
b25seSkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQj/kAidg6JTZ8awKIsT8dw
xzFi46MtIhRRD8vDGhavMdMN/jZROskvJfcQcTUfvlxPwiHmFYsTaTOt+0TGJjZ6
o2AwXjAsBgNVHREEJTAjgglsb2NhbGhvc3SHBH8AAAGHEAAAAAAAAAAAAAAAAAAA
AAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUhhjTGY97wgwodZB6maXP67Cf
vsMwCgYIKoZIzj0EAwIDSAAwRQIhAL1lcX9qD7+1fKhLTIC2EkP106iT4F8BXAk/
rbCvesrYAiAr4n9R/3lPYxeOVti+fQ4z/O1ROGAfN3fGMgw2Gq4vjQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQga5Tg7gY3ldziNhin
nGlmxkwftxfig2dbaEySLJKTehahRANCAAQj/kAidg6JTZ8awKIsT8dwxzFi46Mt
IhRRD8vDGhavMdMN/jZROskvJfcQcTUfvlxPwiHmFYsTaTOt+0TGJjZ6
-----END PRIVATE KEY-----
`,
};
