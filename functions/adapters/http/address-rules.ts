import { BlockList, type IPVersion, isIP } from "node:net";

/**
 * Which addresses may be connected to. `public`: unicast addresses that anyone can reach. `any` is for
 * URLs that the operator alone chooses.
 */
export type AddressRule = "public" | "public_or_loopback" | "loopback" | "any";

/**
 * Checks the very address that is connected to, and not a name, which may stand for another address a
 * moment later (DNS rebinding).
 */
export function mayConnectTo(address: string, rule: AddressRule): boolean {
  if (isIP(address) === 0) return false;
  switch (rule) {
    case "public":
      return isPublic(address);
    case "public_or_loopback":
      return isPublic(address) || isLoopback(address);
    case "loopback":
      return isLoopback(address);
    case "any":
      return true;
  }
}

/** One list for each family: a BlockList also matches an IPv4 address against its IPv4-mapped IPv6 form. */
function subnets(family: IPVersion, prefixes: readonly string[]): BlockList {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [network = "", length] = prefix.split("/");
    list.addSubnet(network, Number(length), family);
  }
  return list;
}

const loopback = {
  ipv4: subnets("ipv4", ["127.0.0.0/8"]),
  ipv6: subnets("ipv6", ["::1/128"]),
};

/** https://www.iana.org/assignments/iana-ipv4-special-registry */
const specialIpv4 = subnets("ipv4", [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared by carriers (CGNAT)
  "169.254.0.0/16", // link-local, and the metadata of instances and tasks
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
]);

/**
 * The one range of public unicast addresses. Outside of it are: unspecified, IPv4-mapped and
 * IPv4-compatible (::/96, ::ffff:0:0/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard (100::/64),
 * segment routing (5f00::/16), unique local (fc00::/7, with fd00:ec2::254, the metadata of
 * instances), link-local (fe80::/10), multicast (ff00::/8).
 * https://www.iana.org/assignments/ipv6-address-space
 */
const globalUnicastIpv6 = subnets("ipv6", ["2000::/3"]);

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
const specialIpv6 = subnets("ipv6", [
  "2001::/23", // protocol assignments, with Teredo and its embedded IPv4 addresses
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4, with its embedded IPv4 addresses
  "3fff::/20", // documentation
]);

const isLoopback = (address: string): boolean =>
  isIP(address) === 4 ? loopback.ipv4.check(address, "ipv4") : loopback.ipv6.check(address, "ipv6");

const isPublic = (address: string): boolean =>
  isIP(address) === 4
    ? !loopback.ipv4.check(address, "ipv4") && !specialIpv4.check(address, "ipv4")
    : globalUnicastIpv6.check(address, "ipv6") && !specialIpv6.check(address, "ipv6");
