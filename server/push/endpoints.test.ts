import { expect, test } from 'vitest';
import { isAllowedEndpoint, isPublicAddress, publicLookup } from './endpoints';

test.each([
  'https://fcm.googleapis.com/fcm/send/abc',
  'https://updates.push.services.mozilla.com/wpush/v2/abc',
  'https://web.push.apple.com/abc',
  'https://93.184.216.34/x',
])('calls %s', (endpoint) => {
  expect(isAllowedEndpoint(endpoint, 'public')).toBe(true);
});

test.each([
  'http://fcm.googleapis.com/x',
  'https://fcm.googleapis.com:8443/x',
  'https://user@fcm.googleapis.com/x',
  'https://localhost/x',
  'https://localhost./x',
  'https://redis/x',
  'https://printer.local/x',
  'https://metadata.google.internal/x',
  'https://127.0.0.1/x',
  'https://127.1/x',
  'https://0x7f000001/x',
  'https://2130706433/x',
  'https://0.0.0.0/x',
  'https://10.1.2.3/x',
  'https://100.64.0.1/x',
  'https://169.254.169.254/x',
  'https://172.31.255.1/x',
  'https://192.168.0.1/x',
  'https://255.255.255.255/x',
  'https://[::1]/x',
  'https://[::ffff:127.0.0.1]/x',
  'https://[64:ff9b::7f00:1]/x',
  'https://[2002:7f00:1::]/x',
  'https://[fe80::1]/x',
  'https://[fd00::1]/x',
  'ftp://fcm.googleapis.com/x',
  'nonsense',
])('never calls %s', (endpoint) => {
  expect(isAllowedEndpoint(endpoint, 'public')).toBe(false);
});

test('a test may have its own push service, but nothing else than a web address', () => {
  expect(isAllowedEndpoint('http://127.0.0.1:8080/x', 'any')).toBe(true);
  expect(isAllowedEndpoint('file:///etc/passwd', 'any')).toBe(false);
});

test('tells public addresses from others', () => {
  expect(isPublicAddress('8.8.8.8')).toBe(true);
  expect(isPublicAddress('2606:4700::1111')).toBe(true);
  expect(isPublicAddress('::ffff:8.8.8.8')).toBe(false);
  expect(isPublicAddress('no address')).toBe(false);
});

/** A name server whose answers the test gives. */
const names = (...addresses: string[]) => {
  const answers = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const resolve = (_name: string, _options: unknown, done: (error: null, found: typeof answers) => void) =>
    done(null, answers);
  // Node's `lookup` has many forms; this is the one that is used.
  return publicLookup(resolve as unknown as Parameters<typeof publicLookup>[0]);
};
const ask = (look: ReturnType<typeof publicLookup>, all: boolean) =>
  new Promise((resolve) => look('push.example.org', { all }, (error, found) => resolve(error ?? found)));

test('a name that stands for an address inside is not connected to, whatever else it stands for', async () => {
  expect(await ask(names('93.184.216.34'), false)).toBe('93.184.216.34');
  expect(await ask(names('93.184.216.34'), true)).toEqual([{ address: '93.184.216.34', family: 4 }]);
  expect(await ask(names('127.0.0.1'), false)).toBeInstanceOf(Error);
  expect(await ask(names('93.184.216.34', '10.0.0.1'), true)).toBeInstanceOf(Error);
  expect(await ask(names(), true)).toBeInstanceOf(Error);
});
