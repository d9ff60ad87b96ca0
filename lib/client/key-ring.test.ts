import { Dexie } from 'dexie';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Channel, KeyRing } from './key-ring';
import { newDerivation } from './passphrase';
import { readKeyRow, wipeProfile } from './store-key';

/** What joins the tabs of one browser. */
class Air {
  readonly channels: Channel[] = [];

  channel(): Channel {
    const channel: Channel = {
      onmessage: null,
      postMessage: (told) => {
        const data = structuredClone(told);
        for (const other of this.channels)
          if (other !== channel) other.onmessage?.(new MessageEvent('message', { data }));
      },
      close: () => this.channels.splice(this.channels.indexOf(channel), 1),
    };
    this.channels.push(channel);
    return channel;
  }
}

let air: Air;
const passphrase = 'a long walk by the sea';

beforeEach(() => {
  air = new Air();
});
afterEach(async () => {
  for (const name of await Dexie.getDatabaseNames()) await Dexie.delete(name);
});

const locked = vi.fn();
/** What a person uses takes a second each time. */
const cheap = () => ({ ...newDerivation(), memoryKib: 64, passes: 1 });
function tab() {
  const channel = air.channel();
  return { ring: new KeyRing(channel, locked, cheap), close: () => channel.close() };
}
const settled = (ring: KeyRing): Promise<string> =>
  new Promise((resolve) => {
    const look = () => {
      if (ring.state !== 'looking') resolve(ring.state);
    };
    ring.subscribe(look);
    look();
  });

test('without a passphrase every tab opens the same keys, another for each store', async () => {
  const [one, two] = [tab(), tab()];
  const key = await one.ring.key('cache');
  expect(key).toHaveLength(32);
  expect(await two.ring.key('cache')).toEqual(key);
  expect(await two.ring.key('machine')).not.toEqual(key);
  expect(one.ring.protected).toBe(false);
});

test('the first key is made beside a database that was just opened and holds nothing, and takes away one that nobody can read any more', async () => {
  const opened = new Dexie('aparte');
  opened.version(1).stores({ rows: 'id' });
  await opened.open();
  const left = new Dexie('aparte-left');
  left.version(1).stores({ rows: 'id' });
  await left.table('rows').add({ id: 1 });
  left.close();
  await readKeyRow();
  expect(opened.isOpen()).toBe(true);
  expect(await Dexie.exists('aparte-left')).toBe(false);
  opened.close();
});

test('with a passphrase a start is locked until it is said, and the keys are the same ones', async () => {
  const first = tab();
  const key = await first.ring.key('cache');
  await first.ring.protect(passphrase);
  first.close();
  const { ring } = tab();
  expect(await settled(ring)).toBe('locked');
  const asked = ring.key('cache');
  for (const wrong of ['', 'a long walk', 'A long walk by the sea', `${passphrase} `, 'password'])
    expect(await ring.unlock(wrong)).toBe(false);
  expect(ring.state).toBe('locked');
  expect(await ring.unlock(passphrase)).toBe(true);
  expect(await asked).toEqual(key);
});

test('what is stored under a passphrase holds no key that opens it', async () => {
  const { ring } = tab();
  await ring.key('cache');
  expect(Object.values(await readKeyRow()).some((value) => value instanceof CryptoKey)).toBe(true);
  await ring.protect(passphrase);
  const row = await readKeyRow();
  expect(Object.keys(row).sort()).toEqual(['derivation', 'iv', 'name', 'wrapped']);
  expect(Object.values(row).some((value) => value instanceof CryptoKey)).toBe(false);
});

test('a tab that opens later learns the key from one that is open, and one that waits from one that unlocks', async () => {
  const first = tab();
  const key = await first.ring.key('cache');
  await first.ring.protect(passphrase);
  expect(await tab().ring.key('cache')).toEqual(key);
  first.ring.lock();
  for (const { onmessage } of [...air.channels]) expect(onmessage).not.toBeNull();
  const [late, later] = [tab(), tab()];
  expect([await settled(late.ring), await settled(later.ring)]).toEqual(['locked', 'locked']);
  expect(await later.ring.unlock(passphrase)).toBe(true);
  expect(late.ring.state).toBe('open');
  expect(await late.ring.key('cache')).toEqual(key);
});

test('locking in one tab locks all, and each is told to forget', async () => {
  const [one, two] = [tab(), tab()];
  await one.ring.key('cache');
  await two.ring.key('cache');
  await one.ring.protect(passphrase);
  locked.mockClear();
  two.ring.lock();
  expect([one.ring.state, two.ring.state]).toEqual(['locked', 'locked']);
  expect(locked).toHaveBeenCalledTimes(2);
  const three = tab();
  expect(await settled(three.ring)).toBe('locked');
});

test('a passphrase is changed and removed only by who knows it', async () => {
  const { ring } = tab();
  const key = await ring.key('cache');
  await ring.protect(passphrase);
  expect(await ring.change('wrong words here', 'something else')).toBe(false);
  expect(await ring.unprotect('wrong words here')).toBe(false);
  expect(await ring.change(passphrase, 'another walk in the hills')).toBe(true);
  expect(await ring.unlock(passphrase)).toBe(false);
  expect(await ring.unprotect('another walk in the hills')).toBe(true);
  air = new Air();
  expect(await tab().ring.key('cache')).toEqual(key);
});

test('who has forgotten it starts anew, with nothing left', async () => {
  const { ring } = tab();
  await ring.key('cache');
  await ring.protect(passphrase);
  await wipeProfile();
  expect(await Dexie.getDatabaseNames()).toEqual([]);
});
