import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

const lockName = /^lock-[0-9a-f]{16}\.sock$/;

export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Makes this process the only one that works in `folder`. Node has no flock, so the lock is a listening unix socket
 * inside the folder: the kernel closes it however the process ends, and it is seen by containers that share the
 * folder but neither pids nor network.
 *
 * Each candidate listens on a name of its own and only then tries everybody else's. Of two candidates, the one that
 * listens later always meets the other, so two can never both go on (at worst both give up). Names are not reused,
 * so the file of a dead process can be removed without harming a living one.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(folder, 'r');
  const ownName = `lock-${randomBytes(8).toString('hex')}.sock`;
  const pathOf = (name: string) => socketPath(folder, handle, name);
  const server = createServer((caller) => caller.destroy());
  const release = async () => {
    await new Promise((done) => server.close(done));
    await rm(join(folder, ownName), { force: true });
    await handle.close();
  };
  try {
    await listen(server, pathOf(ownName));
    for (const name of await readdir(folder)) {
      if (!lockName.test(name) || name === ownName) continue;
      if (await answers(pathOf(name))) {
        throw new FolderInUseError(
          `Another process is using ${folder}; stop it first, or set another DATA_DIR.`,
        );
      }
      await rm(join(folder, name), { force: true });
    }
  } catch (error) {
    await release();
    throw error;
  }
  server.unref();
  return { release };
}

/** A socket's path is limited to about 100 bytes; on Linux the open folder gives any folder a short one. */
function socketPath(folder: string, handle: FileHandle, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${handle.fd}/${name}` : join(folder, name);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

/** Only a refusal or a missing file proves that nobody holds it; whatever else happens counts as held. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}
