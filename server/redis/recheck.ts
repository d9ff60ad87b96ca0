import type { LocalNode } from '../broker';
import type { Steps } from './steps';

/** Closes the connections of devices that were shut out while no word of it came through. */
export function recheckRevoked(options: {
  node: LocalNode;
  steps: Steps;
  /** Which of these devices are shut out. */
  revokedAmong: (deviceIds: readonly string[]) => Promise<readonly string[]>;
  onError: (error: unknown) => void;
}): void {
  const { node, steps, revokedAmong, onError } = options;
  steps.run([...node.sessions()], (sessions) => {
    const users = new Map(sessions.map(({ deviceId, userId }) => [deviceId, userId]));
    revokedAmong([...users.keys()]).then((revoked) => {
      for (const deviceId of revoked) {
        const userId = users.get(deviceId);
        if (userId === undefined) continue;
        node.deliver({ kind: 'close', userId, deviceId, code: 'device_revoked', connection: null });
      }
    }, onError);
  });
}
