import { describe, expect, it } from 'vitest';
import { Rosters } from './rosters';

describe('what a commit has found of a roster', () => {
  it('is known of the devices that sent then, at that version only', () => {
    const rosters = new Rosters();
    rosters.learn('group', 3, 'phone', ['anna', 'bert']);
    rosters.learn('group', 3, 'laptop', null);
    expect(rosters.find('group', 3, 'phone')?.userIds).toEqual(['anna', 'bert']);
    expect(rosters.find('group', 3, 'laptop')?.userIds).toEqual(['anna', 'bert']);
    expect(rosters.find('group', 3, 'tablet')).toBeUndefined();
    expect(rosters.find('group', 4, 'phone')).toBeUndefined();
    rosters.learn('group', 4, 'tablet', ['anna']);
    expect(rosters.find('group', 3, 'phone')).toBeUndefined();
    expect(rosters.find('group', 4, 'phone')).toBeUndefined();
    expect(rosters.find('group', 4, 'tablet')?.userIds).toEqual(['anna']);
  });

  it('outlives any number of changes of another', () => {
    const rosters = new Rosters();
    rosters.learn('quiet', 1, 'phone', ['anna']);
    const members = Array.from({ length: 1_000 }, (_, index) => `member ${index}`);
    for (let version = 1; version < 300; version++) rosters.learn('busy', version, 'phone', members);
    expect(rosters.find('quiet', 1, 'phone')).toBeDefined();
  });

  it('is not known of a version whose members were never told', () => {
    const rosters = new Rosters();
    rosters.learn('group', 3, 'phone', null);
    expect(rosters.find('group', 3, 'phone')).toBeUndefined();
  });

  it('is bounded: with too many members it begins anew', () => {
    const rosters = new Rosters();
    const members = Array.from({ length: 1_000 }, (_, index) => `member ${index}`);
    for (let group = 0; group < 150; group++) rosters.learn(`group ${group}`, 1, 'phone', members);
    expect(rosters.find('group 0', 1, 'phone')).toBeUndefined();
    expect(rosters.find('group 149', 1, 'phone')).toBeDefined();
  });
});
