import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/**
 * Which addresses the server may be made to call. A device names the address, so without a bound anybody could have
 * the server ask things of its own network.
 * - `public`: HTTPS on the usual port, at a name or number of the public internet.
 * - `any`: everything, for tests that run a push service of their own.
 */
export type EndpointPolicy = 'public' | 'any';

const closed = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  closed.addSubnet(net, prefix, 'ipv4');
/** Of IPv6 only what is handed out for the public (2000::/3), without what carries an IPv4 address or is for examples. */
const open = new BlockList();
open.addSubnet('2000::', 3, 'ipv6');
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const)
  closed.addSubnet(net, prefix, 'ipv6');

const closedNames = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|test|invalid|onion)$/;

/** Whether an address, as a number, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !closed.check(address, 'ipv4');
  return isIP(address) === 6 && open.check(address, 'ipv6') && !closed.check(address, 'ipv6');
}

/** What can be said of an address without asking for its name's number. */
export function isAllowedEndpoint(endpoint: string, policy: EndpointPolicy): boolean {
  if (!URL.canParse(endpoint)) return false;
  const url = new URL(endpoint);
  if (policy === 'any') return url.protocol === 'https:' || url.protocol === 'http:';
  if (url.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '')
    return false;
  // A trailing dot makes the same name look like another.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) !== 0) return isPublicAddress(host);
  return host.includes('.') && !closedNames.test(host);
}

/** Refused: the name stands for an address that is not of the public internet. */
export class ForbiddenAddress extends Error {}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** A `lookup` for sockets. Looks at the very numbers that are then connected to, so a name cannot change in between. */
export function publicLookup(resolve: typeof lookup = lookup) {
  return (hostname: string, options: LookupOptions, done: LookupCallback): void => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error) done(error, []);
      else if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address)))
        done(new ForbiddenAddress(), []);
      else if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}
