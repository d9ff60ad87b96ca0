import { BlockList, isIPv6 } from 'node:net';
import type { Config, TrustedProxies } from '../config';

/** Whether a browser on `origin` may change anything here. Every POST and every WebSocket upgrade asks this. */
export function isAllowedOrigin(origin: string, config: Pick<Config, 'publicOrigin' | 'port'>): boolean {
  if (origin === config.publicOrigin) return true;
  return localHosts.some((host) => origin === `http://${host}:${config.port}`);
}

const localHosts = ['localhost', '127.0.0.1', '[::1]'];

/**
 * The address to count a caller's requests by. `peer` is the socket's other end; a proxy that is trusted appends
 * the address that it saw, so the last entry counts and whatever stands before it is the caller's own claim.
 */
export function callerAddress(peer: string, forwardedFor: string, trusted: TrustedProxies): string {
  const address = normalized(peer);
  if (!isTrusted(address, trusted)) return address;
  const claimed = normalized(forwardedFor.split(',').at(-1)?.trim() ?? '');
  return claimed === '' ? address : claimed;
}

/** Whether the socket's other end is a proxy that is trusted. */
export const isTrustedPeer = (peer: string, trusted: TrustedProxies): boolean =>
  isTrusted(normalized(peer), trusted);

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const privateNetworks = new BlockList();
privateNetworks.addSubnet('10.0.0.0', 8, 'ipv4');
privateNetworks.addSubnet('172.16.0.0', 12, 'ipv4');
privateNetworks.addSubnet('192.168.0.0', 16, 'ipv4');
privateNetworks.addSubnet('fc00::', 7, 'ipv6');

function isTrusted(address: string, trusted: TrustedProxies): boolean {
  if (trusted === 'none') return false;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  return loopback.check(address, family) || (trusted === 'private' && privateNetworks.check(address, family));
}

/** IPv6 sockets spell IPv4 callers ::ffff:1.2.3.4, uWebSockets.js even in full. */
function normalized(address: string): string {
  const mapped = /^(?:::|(?:0{1,4}:){5})ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i.exec(
    address,
  );
  if (mapped?.[1] !== undefined) return mapped[1];
  if (mapped?.[2] !== undefined && mapped[3] !== undefined) {
    const [high, low] = [Number.parseInt(mapped[2], 16), Number.parseInt(mapped[3], 16)];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return address.toLowerCase() === '0000:0000:0000:0000:0000:0000:0000:0001' ? '::1' : address;
}
