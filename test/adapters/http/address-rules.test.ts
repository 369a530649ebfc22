import fc from "fast-check";
import { mayConnectTo } from "../../../functions/adapters/http/address-rules.ts";
import { assertProperty } from "../../support/property.ts";

const publicAddresses = [
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.0",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2001:200::1",
  "2606:4700:4700::1111",
  "2a00:1450:4001::1",
];

const specialAddresses = [
  ["this network", "0.0.0.0", "0.255.255.255"],
  ["private", "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1"],
  ["shared by carriers", "100.64.0.0", "100.127.255.255", "100.100.100.200"],
  ["link-local and metadata", "169.254.0.1", "169.254.169.254", "169.254.170.2"],
  ["protocol assignments", "192.0.0.1", "192.0.0.192"],
  ["documentation", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
  ["6to4 relays", "192.88.99.1"],
  ["benchmarks", "198.18.0.0", "198.19.255.255"],
  ["multicast", "224.0.0.1", "239.255.255.255", "ff02::1"],
  ["reserved and broadcast", "240.0.0.0", "255.255.255.255"],
  ["unspecified", "::"],
  ["IPv4-mapped", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe"],
  ["IPv4-compatible", "::8.8.8.8", "::127.0.0.1"],
  ["NAT64", "64:ff9b::8.8.8.8", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
  ["discard", "100::1"],
  ["Teredo and other assignments", "2001::1", "2001:1ff::1"],
  ["6to4", "2002:a9fe:a9fe::1", "2002:7f00:1::"],
  ["unique local, metadata", "fc00::1", "fd00:ec2::254", "fdff::1"],
  ["link-local", "fe80::1", "fe80::1%eth0", "febf::1"],
  ["site-local", "fec0::1"],
  ["unassigned", "4000::1", "5f00::1", "e000::1"],
] as const;

const loopbackAddresses = ["127.0.0.1", "127.255.255.254", "::1"];

const notAddresses = ["", "localhost", "0x7f.1", "2130706433", "127.1", "[::1]", "1.1.1.1 "];

test.each(publicAddresses)("%s is public", (address) => {
  expect(mayConnectTo(address, "public")).toBe(true);
  expect(mayConnectTo(address, "public_or_loopback")).toBe(true);
  expect(mayConnectTo(address, "loopback")).toBe(false);
});

test.each(specialAddresses)("%s: never", (_kind, ...addresses) => {
  for (const address of addresses.filter((it) => it !== undefined)) {
    for (const loopback of ["public", "public_or_loopback", "loopback"] as const) {
      expect([address, mayConnectTo(address, loopback)]).toEqual([address, false]);
    }
  }
});

test.each(loopbackAddresses)("%s is loopback: as the rule says", (address) => {
  expect(mayConnectTo(address, "public")).toBe(false);
  expect(mayConnectTo(address, "public_or_loopback")).toBe(true);
  expect(mayConnectTo(address, "loopback")).toBe(true);
});

test.each(notAddresses)("%j is no address", (address) => {
  expect(mayConnectTo(address, "public_or_loopback")).toBe(false);
});

test("an IPv4 address in any IPv6 wrapping is not permitted", () => {
  const wrappings = ["::ffff:", "::", "64:ff9b::"];
  assertProperty(
    "value",
    fc.property(fc.constantFrom(...wrappings), fc.ipV4(), (wrapping, address) => {
      fc.pre(`${wrapping}${address}` !== "::0.0.0.1"); // the loopback address itself
      expect(mayConnectTo(`${wrapping}${address}`, "public_or_loopback")).toBe(false);
    }),
  );
});
