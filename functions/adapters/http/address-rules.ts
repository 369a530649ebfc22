import { BlockList, type IPVersion, isIP } from "node:net";

/** Whether a loopback address may be connected to: never, beside the public ones, or nothing else. */
export type LoopbackRule = "never" | "also" | "only";

/**
 * Whether a provider's address may be connected to: a public unicast address, or a loopback one where
 * the rule says so. To be asked of the very address that is connected to, not of a name, which may
 * mean another address a moment later (DNS rebinding).
 */
export function mayConnectTo(address: string, loopbackRule: LoopbackRule): boolean {
  switch (isIP(address)) {
    case 4:
      if (loopback.ipv4.check(address, "ipv4")) return loopbackRule !== "never";
      return loopbackRule !== "only" && !specialIpv4.check(address, "ipv4");
    case 6:
      if (loopback.ipv6.check(address, "ipv6")) return loopbackRule !== "never";
      return loopbackRule !== "only" && isPublicIpv6(address);
    default:
      return false;
  }
}

/** Each family has lists of its own: a BlockList takes an IPv4 address for its IPv4-mapped IPv6 form as well. */
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
 * The one range of public unicast addresses. All of these lie outside: unspecified, IPv4-mapped and
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

const isPublicIpv6 = (address: string): boolean =>
  globalUnicastIpv6.check(address, "ipv6") && !specialIpv6.check(address, "ipv6");
