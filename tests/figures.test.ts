import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shareFigures } from '../lib/client/device-intents';
import { sendText, startDirect } from '../lib/client/intents';
import { startServer } from '../server/start';
import { TestDevice } from './device';
import { dice } from './dice';

let folder: string;
let server: Awaited<ReturnType<typeof startServer>>;
const devices: TestDevice[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aparte-figures-'));
  server = await startServer({ port: 0, dataDir: folder, logLevel: 'silent' });
});
afterAll(async () => {
  for (const device of devices) await device.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function person(handle: string) {
  // Ten minutes pass in a second.
  const device = new TestDevice(() => server.origin, dice(devices.length), 600);
  devices.push(device);
  device.start();
  const { userId } = await device.signUp(handle);
  return { device, userId, handle };
}

test('a device tells how long encryption took once its owner agrees, and another’s stays silent', async () => {
  const [anna, bert] = [await person('anna'), await person('bert')];
  await shareFigures(anna.device.author, true);
  const conversationId = await startDirect(anna.device.author, bert);
  await sendText(anna.device.author, conversationId, 'one');
  await anna.device.until(
    async () => (server.metrics.figuresReceived.value > 0 ? true : undefined),
    'a report of figures',
  );
  const page = await server.metrics.registry.metrics();
  expect(page).toMatch(/^aparte_client_encryption_seconds_count [1-9]/m);
  // Bert's engine opened the message, and nobody asked him: what was decrypted by those who tell is nothing.
  expect(page).toContain('aparte_client_decryption_seconds_count 0');
  for (const said of [anna.userId, bert.userId, conversationId, 'anna']) expect(page).not.toContain(said);
});
