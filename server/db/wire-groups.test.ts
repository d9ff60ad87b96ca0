import { expect, it } from 'vitest';
import { endsIdle, WireGroups } from './wire-groups';

const message = (type: string, body = '') => {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type, 0);
  bytes.writeUInt32BE(4 + body.length, 1);
  bytes.write(body, 5);
  return bytes;
};
const startup = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]);

it('passes the startup message on by itself', () => {
  const groups = new WireGroups();
  expect(groups.push(Buffer.concat([startup, message('P')]))).toEqual([Uint8Array.from(startup)]);
});

it('holds an extended query back until its Sync', () => {
  const groups = new WireGroups();
  groups.push(startup);
  expect(groups.push(Buffer.concat([message('P', 'select'), message('B')]))).toEqual([]);
  expect(groups.push(message('S'))).toEqual([
    Uint8Array.from(Buffer.concat([message('P', 'select'), message('B'), message('S')])),
  ]);
});

it('gives the same groups when the bytes come one at a time', () => {
  const stream = Buffer.concat([startup, message('P', 'a'), message('S'), message('Q', 'select 1')]);
  const whole = new WireGroups().push(stream);
  const byBytes = new WireGroups();
  expect([...stream].flatMap((byte) => byBytes.push(Uint8Array.of(byte)))).toEqual(whole);
  expect(whole).toHaveLength(3);
});

it('tells an idle session from an open transaction', () => {
  expect(endsIdle(message('Z', 'I'))).toBe(true);
  expect(endsIdle(message('Z', 'T'))).toBe(false);
  expect(endsIdle(Uint8Array.of(0x49))).toBe(false);
});
