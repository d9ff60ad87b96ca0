import type { KeyTransport } from '../crypto/types';
import { keyUpload } from '../protocol/keys';
import { limits } from '../protocol/limits';
import type { Api } from './api';

/** Carries the crypto machine's questions to the server. */
export function keyTransport(api: Api): KeyTransport {
  return {
    // The device keys themselves are uploaded once, by signing up.
    upload: ({ oneTimeKeys, fallbackKeys }) =>
      api.devices.upload.mutate(keyUpload.parse({ oneTimeKeys, fallbackKeys })),
    keys: (userIds) =>
      inPages(userIds, limits.usersPerRequest, (page) => api.devices.keys.query({ userIds: page })),
    bundles: (devices) =>
      inPages(devices, limits.bundlesPerRequest, (page) => api.devices.bundles.mutate({ devices: page })),
  };
}

async function inPages<In, Out>(
  items: In[],
  size: number,
  ask: (page: In[]) => Promise<Out[]>,
): Promise<Out[]> {
  const answers: Out[] = [];
  for (let start = 0; start < items.length; start += size) {
    answers.push(...(await ask(items.slice(start, start + size))));
  }
  return answers;
}
