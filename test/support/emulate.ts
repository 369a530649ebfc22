import { createEmulator } from "emulate";

/**
 * Starts stand-ins for three providers, and prints their addresses as one line of JSON. It is a program of its
 * own because `emulate` is an ES module.
 */
const oauth_clients = [
  {
    client_id: "emulated-client",
    client_secret: "emulated-client-secret",
    name: "end-to-end tests",
    redirect_uris: ["http://127.0.0.1/callback"],
  },
];
const user = { login: "user@example.com", email: "user@example.com" };

const services = ["google", "microsoft", "okta"] as const;
const emulators = await Promise.all(
  services.map((service) =>
    createEmulator({ service, port: 0, seed: { [service]: { users: [user], oauth_clients } } }),
  ),
);
const ports = emulators.map(({ url }) => new URL(url).port);
console.log(
  JSON.stringify(
    Object.fromEntries(services.map((name, i) => [name, `http://127.0.0.1:${ports[i]}`])),
  ),
);
