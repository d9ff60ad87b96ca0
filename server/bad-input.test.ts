import { randomUUID } from 'node:crypto';
import { TRPCError } from '@trpc/server';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AparteError, isErrorCode } from '../lib/protocol/errors';
import { limits } from '../lib/protocol/limits';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../tests/databases';
import { contacts, group, person, type TestDomain, type TestPerson, testDomain } from '../tests/domain';
import { keyMaterial } from '../tests/key-material';
import { createLimiters, noRates } from './limiter';
import { createLog } from './log';
import { appRouter } from './routers/app';
import { handleFrame, parseFrame } from './ws/frames';

/** What a device could have the server ask in its own network, or that is no address at all. */
const badEndpoints = [
  'http://push.example.org/x',
  'https://localhost/x',
  'https://127.0.0.1/x',
  'https://2130706433/x',
  'https://[::1]/x',
  'https://10.0.0.8/x',
  'https://169.254.169.254/latest/meta-data',
  'https://router.lan/x',
  'https://user:word@push.example.org/x',
  'https://push.example.org:8443/x',
  'file:///etc/passwd',
];

/** A word that no honest code writes: where it turns up, input has leaked. */
const canary = 'canary-7f3a';

const procedures = Object.keys(appRouter._def.procedures);
const tables = [
  'users',
  'devices',
  'one_time_keys',
  'conversations',
  'members',
  'blocks',
  'messages',
  'marks',
  'envelopes',
  'link_grants',
  'rendezvous',
  'rendezvous_messages',
  'key_backups',
  'recoveries',
  'account_states',
  'push_subscriptions',
  'attachments',
];

describe.each(databaseKinds)('bad input on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  let [anna, eve]: TestPerson[] = [];
  let logged = '';
  const log = createLog('trace', {
    write: (line) => {
      logged += line;
    },
  });
  /** Ids that exist, none of which is eve's to touch, and a few that do not. */
  let ids: string[] = [];

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    domain = testDomain(database);
    anna = await person(domain);
    eve = await person(domain);
    const bert = await person(domain);
    const direct = await contacts(domain, anna, bert);
    const shared = await group(domain, anna, bert);
    ids = [direct.conversationId, shared.conversationId, anna.deviceId, randomUUID(), anna.userId];
  });
  afterAll(() => database.close());

  const dump = async () => {
    const rows = [];
    for (const table of tables)
      rows.push(
        (await database.pool.query(`select to_jsonb(t) as row from ${table} t order by to_jsonb(t)::text`))
          .rows,
      );
    return JSON.stringify(rows);
  };

  const call = async (path: string, input: unknown, token: string | undefined) => {
    const caller = appRouter.createCaller({
      ground: domain,
      limiters: createLimiters(noRates, domain.now),
      ip: '127.0.0.1',
      pushEndpoints: 'public',
      token,
      asker: () => domain.authentication.askerOf(token),
      setToken: () => undefined,
    });
    const procedure = path
      .split('.')
      .reduce<unknown>(
        (at, name) =>
          typeof at === 'function' || (typeof at === 'object' && at !== null)
            ? Reflect.get(at, name)
            : undefined,
        caller,
      );
    if (typeof procedure !== 'function') throw new Error(`no procedure ${path}`);
    try {
      return { value: await (procedure as (input: unknown) => Promise<unknown>)(input) };
    } catch (error) {
      return { error };
    }
  };

  /** A refusal is one of the table's or a schema's; `internal` is never an answer to input. */
  const expectRefusal = (error: unknown) => {
    expect(error).toBeInstanceOf(TRPCError);
    if (!(error instanceof TRPCError)) return;
    expect(error.code).not.toBe('INTERNAL_SERVER_ERROR');
    if (error.cause instanceof AparteError) expect(isErrorCode(error.cause.code)).toBe(true);
    else expect(error.code).toBe('BAD_REQUEST');
  };

  const anyId = () => fc.constantFrom(...ids, randomUUID());
  const junk = fc.oneof(
    fc.anything(),
    fc.constantFrom(
      canary,
      '',
      `${canary}\u0000`,
      -1,
      1.5,
      Number.NaN,
      2 ** 60,
      null,
      [],
      {},
      'x'.repeat(70_000),
    ),
  );
  /** Well-formed requests that eve may not make, and the same with one part spoiled. */
  const requests = () =>
    fc.record(
      {
        conversationId: fc.oneof({ weight: 4, arbitrary: anyId() }, { weight: 1, arbitrary: junk }),
        conversationIds: fc.array(anyId(), { maxLength: 3 }),
        userId: anyId(),
        userIds: fc.array(anyId(), { minLength: 1, maxLength: limits.membersPerRequest + 1 }),
        memberIds: fc.array(anyId(), { maxLength: 3 }),
        deviceId: anyId(),
        devices: fc.array(fc.record({ userId: anyId(), deviceId: anyId() }), { maxLength: 3 }),
        kind: fc.constantFrom('direct', 'group', canary),
        role: fc.constantFrom('owner', 'admin', 'member', canary),
        name: fc.oneof(fc.constant(canary), junk),
        handle: fc.oneof(fc.constant(canary), fc.constant('nobody'), junk),
        clientId: fc.constant(randomUUID()),
        slot: fc.constantFrom('log', 'mark', canary),
        rosterVersion: fc.oneof(fc.nat(), fc.constantFrom(2 ** 31, 2 ** 53 - 1), junk),
        ciphertext: fc.oneof(fc.constantFrom(canary, `${canary}\u0000`), junk),
        envelopes: fc.array(
          fc.record({ recipientDeviceId: anyId(), type: fc.constant('m.x'), content: fc.constant(canary) }),
          { maxLength: 2 },
        ),
        ids: fc.array(fc.oneof(fc.nat(), fc.constant(2 ** 53 - 1)), { maxLength: 3 }),
        after: fc.oneof(fc.nat(), fc.constantFrom(2 ** 31, 2 ** 53 - 1), junk),
        limit: fc.oneof(fc.nat(500), junk),
        marksSince: fc.oneof(fc.nat(), fc.constant(2 ** 53 - 1), junk),
        at: fc.oneof(fc.nat(), junk),
        signature: fc.oneof(fc.constant('A'.repeat(86)), junk),
        endpoint: fc.oneof(fc.constantFrom(...badEndpoints), junk),
        p256dh: fc.oneof(fc.constantFrom(`B${'A'.repeat(86)}`, canary), junk),
        auth: fc.oneof(fc.constant('A'.repeat(22)), junk),
        authentication: fc.oneof(fc.constant('A'.repeat(43)), junk),
        oneTimeKeys: fc.oneof(
          fc.constant({}),
          fc.constant(keyMaterial().preKeys(1, false).oneTimeKeys),
          junk,
        ),
        fallbackKeys: fc.oneof(
          fc.constant({}),
          fc.constant(keyMaterial().preKeys(0, true).fallbackKeys),
          junk,
        ),
      },
      { requiredKeys: [] },
    );

  /** Only the fields that a procedure names, so that most requests get past its schema. */
  const fields: Record<string, string[]> = {
    'accounts.signUp': ['handle', 'userId', 'deviceId'],
    'accounts.handleTaken': ['handle'],
    'accounts.find': ['handle'],
    'devices.revoke': ['deviceId', 'at', 'signature'],
    'recovery.open': ['handle', 'authentication'],
    'devices.pending': ['deviceId'],
    'devices.revoked': ['deviceId'],
    'devices.rename': ['deviceId', 'name'],
    'devices.upload': ['oneTimeKeys', 'fallbackKeys'],
    'devices.keys': ['userIds'],
    'devices.bundles': ['devices'],
    'conversations.get': ['conversationIds'],
    'conversations.addMembers': ['conversationId', 'userIds'],
    'conversations.removeMember': ['conversationId', 'userId'],
    'conversations.setRole': ['conversationId', 'userId', 'role'],
    'conversations.leave': ['conversationId'],
    'conversations.accept': ['conversationId'],
    'conversations.block': ['conversationId'],
    'messages.send': ['conversationId', 'clientId', 'slot', 'rosterVersion', 'ciphertext', 'envelopes'],
    'messages.pull': ['conversationId', 'after', 'limit'],
    'envelopes.pull': ['after', 'limit'],
    'envelopes.ack': ['ids'],
    'sync.state': ['marksSince'],
    'backup.pull': ['after'],
    'push.subscribe': ['endpoint', 'p256dh', 'auth'],
    'linking.lookUp': ['name'],
  };
  /** Eve may do these with any valid input; for them only junk is bad. */
  const permitted = new Set(['accounts.block', 'accounts.unblock', 'conversations.create']);
  /** Without input there is no bad input. */
  const inputless = new Set(['devices.link']);
  /** What eve may do with her own account is not bad. */

  test.each(procedures.filter((path) => !inputless.has(path)))(
    '%s answers with a typed error or nothing, and changes nothing',
    async (path) => {
      const before = await dump();
      logged = '';
      const names = fields[path];
      const fitting = requests().map((all) =>
        Object.fromEntries(Object.entries(all).filter(([name]) => names?.includes(name) ?? false)),
      );
      const input = permitted.has(path) || names === undefined ? junk : fc.oneof(junk, fitting, requests());
      await fc.assert(
        fc.asyncProperty(
          input,
          fc.constantFrom(eve?.token, eve?.token, 'stale', undefined),
          async (given, token) => {
            const outcome = await call(path, given, token);
            if ('error' in outcome) expectRefusal(outcome.error);
          },
        ),
        { numRuns: 60 },
      );
      expect(await dump()).toBe(before);
      expect(logged).not.toContain(canary);
    },
  );

  test('every frame is answered with a typed error or dropped, and changes nothing', async () => {
    const before = await dump();
    logged = '';
    const asker = eve;
    if (asker === undefined) throw new Error('nobody to ask');
    const frame = fc.oneof(
      junk,
      fc.record({ t: fc.constant('send'), r: fc.nat(), message: requests() }),
      fc.record({
        t: fc.constant('send'),
        r: fc.nat(),
        message: fc.record({
          conversationId: anyId(),
          clientId: anyId(),
          slot: fc.constantFrom('log', 'mark'),
          rosterVersion: fc.integer({ min: 1 }),
          ciphertext: fc.constantFrom(canary, `${canary}\u0000`),
          envelopes: fc.constant([]),
        }),
      }),
      fc.record({
        t: fc.constant('note'),
        r: fc.nat(),
        note: fc.record({
          devicesVersion: fc.oneof(fc.constant(1), fc.nat(), junk),
          envelopes: fc.array(
            fc.record({
              recipientDeviceId: anyId(),
              type: fc.constant('m.x'),
              content: fc.constant(canary),
            }),
            { minLength: 1, maxLength: 2 },
          ),
        }),
      }),
      fc.record({ t: fc.constant('ack'), ids: fc.array(fc.nat(), { minLength: 1 }) }),
      fc.record({
        t: fc.constant('activity'),
        conversationId: anyId(),
        kind: fc.constantFrom('typing', 'recording', 'calling', canary),
      }),
      fc.record({
        t: fc.constant('presence'),
        state: fc.constantFrom('online', 'away', canary),
        toUserId: fc.oneof(anyId(), fc.constant(null), junk),
      }),
      fc.record({
        t: fc.constant('figures'),
        figures: fc.record({
          encryptions: fc.oneof(fc.array(fc.nat()), junk),
          decryptions: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
          decryptionFailures: fc.oneof(fc.nat(), junk),
        }),
      }),
      fc.record({ t: fc.constantFrom('ping', canary), extra: fc.constant(canary) }),
    );
    domain.told.length = 0;
    await fc.assert(
      fc.asyncProperty(frame, async (given) => {
        const parsed = parseFrame(Buffer.from(JSON.stringify(given) ?? '{'));
        if ('code' in parsed) {
          expect(isErrorCode(parsed.code)).toBe(true);
          return;
        }
        const answers: unknown[] = [];
        await handleFrame(parsed.frame, asker, {
          ground: domain,
          reply: (_, answer) => answers.push(answer),
          maySignal: () => true,
          onFailure: (error) => log.error({ err: error }, 'A frame failed.'),
        });
        for (const answer of answers)
          expect(answer).toMatchObject({ t: expect.stringMatching(/error|stale_note/) });
        expect(answers).not.toContainEqual(expect.objectContaining({ code: 'internal' }));
      }),
      { numRuns: 200 },
    );
    expect(domain.told).toEqual([]);
    expect(await dump()).toBe(before);
    expect(logged).toBe('');
  });

  test('refuses frames that are too large, no text, or no JSON, and finds their number', () => {
    expect(parseFrame(Buffer.alloc(limits.frameMaxBytes + 1))).toEqual({ r: null, code: 'too_large' });
    expect(parseFrame(Buffer.from([0xff, 0xfe]))).toEqual({ r: null, code: 'invalid_input' });
    expect(parseFrame(Buffer.from('{'))).toEqual({ r: null, code: 'invalid_input' });
    expect(parseFrame(Buffer.from('{"t":"send","r":4}'))).toEqual({ r: 4, code: 'invalid_input' });
    expect(parseFrame(Buffer.from('{"t":"send","r":-4}'))).toEqual({ r: null, code: 'invalid_input' });
  });

  test('a signal is read the same whichever way it is written, and refused the same with anything wrong in it', () => {
    for (const kind of ['typing', 'recording', 'calling'] as const) {
      const frame = { t: 'activity', conversationId: randomUUID(), kind };
      const short = JSON.stringify(frame);
      const long = JSON.stringify({ kind, conversationId: frame.conversationId, t: frame.t }, null, 1);
      for (const text of [short, long, `\uFEFF${short}`]) {
        expect(parseFrame(Buffer.from(text))).toEqual({ frame });
        for (const wrong of [
          text.replace(kind, 'shouting'),
          text.replace(frame.conversationId, frame.conversationId.toUpperCase().replace(/^./, 'G')),
          text.replace(frame.conversationId, frame.conversationId.slice(1)),
          text.replace('}', ',"more":1}'),
          `${text}{}`,
          `${text}\0`,
        ])
          expect(parseFrame(Buffer.from(wrong))).toEqual({ r: null, code: 'invalid_input' });
        for (let at = 0; at < text.length; at++) {
          const bytes = Buffer.from(text);
          bytes[at] = 0xe9;
          expect(parseFrame(bytes)).toEqual({ r: null, code: 'invalid_input' });
        }
      }
    }
  });

  test('a sign-up with any signature, id or key altered is refused and stores nothing', async () => {
    const before = await dump();
    const spoil = (request: object, rank: number): unknown => {
      const text = JSON.stringify(request);
      // Every base64 text of 43 characters or more is a key or a signature: alter one of its letters.
      const found = [...text.matchAll(/[A-Za-z0-9+/]{43,}/g)].map((match) => match.index ?? 0);
      const at = (found[rank % found.length] ?? 0) + 5;
      const other = text[at] === 'A' ? 'B' : 'A';
      return JSON.parse(text.slice(0, at) + other + text.slice(at + 1));
    };
    const { request } = keyMaterial({ oneTimeKeys: 1 });
    const { keys, ...rest } = request;
    for (let rank = 0; rank < 40; rank++) {
      const outcome = await call('accounts.signUp', { ...rest, keys: spoil(keys, rank) }, undefined);
      expect(outcome).toMatchObject({ error: { cause: { code: 'bad_signature' } } });
    }
    for (const changed of [{ userId: randomUUID() }, { deviceId: randomUUID() }]) {
      const outcome = await call('accounts.signUp', { ...request, ...changed }, undefined);
      expect(outcome).toMatchObject({ error: { cause: { code: 'bad_signature' } } });
    }
    const swapped = { ...keys, oneTimeKeys: keys.fallbackKeys };
    expect(await call('accounts.signUp', { ...rest, keys: swapped }, undefined)).toMatchObject({
      error: { cause: { code: 'bad_signature' } },
    });
    expect(await dump()).toBe(before);
  });
});
