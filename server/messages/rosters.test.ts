import { describe, expect, it } from 'vitest';
import { Rosters } from './rosters';

describe('what a commit has found of a roster', () => {
  it('is known of the devices that sent then, at that version only', () => {
    const rosters = new Rosters();
    rosters.learn('group', 3, 'phone', ['anna', 'bert']);
    rosters.learn('group', 3, 'laptop', null);
    expect(rosters.at('group', 3)?.userIds).toEqual(['anna', 'bert']);
    expect([...(rosters.at('group', 3)?.senders ?? [])]).toEqual(['phone', 'laptop']);
    expect(rosters.at('group', 4)).toBeUndefined();
    rosters.learn('group', 4, 'tablet', ['anna']);
    expect(rosters.at('group', 3)).toBeUndefined();
    expect(rosters.at('group', 4)?.userIds).toEqual(['anna']);
    expect([...(rosters.at('group', 4)?.senders ?? [])]).toEqual(['tablet']);
  });

  it('outlives any number of changes of another', () => {
    const rosters = new Rosters();
    rosters.learn('quiet', 1, 'phone', ['anna']);
    const members = Array.from({ length: 1_000 }, (_, index) => `member ${index}`);
    for (let version = 1; version < 300; version++) rosters.learn('busy', version, 'phone', members);
    expect(rosters.at('quiet', 1)).toBeDefined();
  });

  it('is not known of a version whose members were never told', () => {
    const rosters = new Rosters();
    rosters.learn('group', 3, 'phone', null);
    expect(rosters.at('group', 3)).toBeUndefined();
  });

  it('is bounded: with too many members it begins anew', () => {
    const rosters = new Rosters();
    const members = Array.from({ length: 1_000 }, (_, index) => `member ${index}`);
    for (let group = 0; group < 150; group++) rosters.learn(`group ${group}`, 1, 'phone', members);
    expect(rosters.at('group 0', 1)).toBeUndefined();
    expect(rosters.at('group 149', 1)).toBeDefined();
  });
});
