import { expect, it } from 'vitest';
import { createLog } from './log';

function linesOf(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('info', { write: (line) => lines.push(line) }));
  return lines.join('');
}

it('writes one JSON line with a readable level and time', () => {
  const line = linesOf((log) => log.info({ port: 3000 }, 'Listening.'));
  expect(JSON.parse(line)).toMatchObject({ level: 'info', port: 3000, msg: 'Listening.' });
});

it('hides keys, tokens and bodies at any of the first three depths', () => {
  const line = linesOf((log) =>
    log.warn(
      { token: 'hidden-1', request: { cookie: 'hidden-2', device: { identityKey: 'hidden-3' } } },
      'x',
    ),
  );
  expect(line).not.toContain('hidden');
  expect(line).toContain('[redacted]');
});

it('keeps the place of an error but not the row that a driver attaches to it', () => {
  const failure = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (token)=(hidden)',
  });
  const line = linesOf((log) => log.error({ err: failure }, 'Failed.'));
  expect(line).toContain('23505');
  expect(line).not.toContain('hidden');
});
