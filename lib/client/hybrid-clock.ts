/**
 * Stamps of a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): near the device's own time, and
 * yet later than every stamp the device has seen, however wrong its clock is. They compare as texts; of two devices
 * no two are the same.
 */
export function nextStamp(last: string, nowMs: number, deviceId: string): string {
  const [ms = 0, count = 0] = last
    .split('.')
    .slice(0, 2)
    .map((part) => Number.parseInt(part, 36) || 0);
  return nowMs > ms ? stamp(nowMs, 0, deviceId) : stamp(ms, count + 1, deviceId);
}

const stamp = (ms: number, count: number, deviceId: string): string =>
  `${Math.floor(ms).toString(36).padStart(9, '0')}.${count.toString(36).padStart(4, '0')}.${deviceId}`;
