import { describe, expect, it } from 'vitest';
import { deviceKind, deviceName } from './device-name';

describe('the name of a device', () => {
  it('is its browser and its system', () => {
    expect(deviceName('Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36')).toBe('Chrome · Linux');
    expect(
      deviceName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1'),
    ).toBe('Safari · iOS');
    expect(deviceName('Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0')).toBe(
      'Edge · Windows',
    );
  });

  it('stands beside its kind', () => {
    expect(deviceKind('Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36')).toBe('MOBILE');
    expect(deviceKind('Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36')).toBe('WEB');
  });

  it('is found for a browser that nobody knows', () => {
    expect(deviceName('')).toBe('Browser');
  });
});
