import { afterAll, beforeAll, test } from 'vitest';
import { deleteMessage, editMessage } from '../lib/client/change-intents';
import { sendText } from '../lib/client/intents';
import { SearchIndex } from '../lib/client/search';
import type { TestDevice } from './device';
import { Town } from './own-devices';

let town: Town;
beforeAll(async () => {
  town = await Town.open();
});
afterAll(() => town.close());

/** Searches as a screen's worker would, until it finds just that. */
async function finds(device: TestDevice, text: string, expected: string[]): Promise<void> {
  const index = new SearchIndex(device.db);
  await device.until(async () => {
    const hits = await index.find({ text, conversationId: null, limit: 20 });
    return JSON.stringify(hits.map((hit) => hit.text)) === JSON.stringify(expected) ? true : undefined;
  }, `"${text}" to find ${expected}`);
}

test('what is said, changed and taken back elsewhere can be found here, or no more, and by a device that joins later', async () => {
  const [anna, bert] = [await town.person('anna'), await town.person('bert')];
  const conversationId = await town.contacts(anna, bert);
  const first = await sendText(anna.author, conversationId, 'the herons are back');
  await sendText(anna.author, conversationId, 'so are the swallows');
  await finds(bert, 'heron', ['the herons are back']);
  await finds(anna, 'heron', ['the herons are back']);

  const said = await anna.db.messages.get(first);
  if (!said) throw new Error('the message is gone');
  await editMessage(anna.author, said, 'the storks are back');
  await finds(bert, 'stork', ['the storks are back']);
  await finds(bert, 'heron', []);

  const phone = await town.linked(bert);
  await finds(phone, 'are', ['so are the swallows', 'the storks are back']);

  await deleteMessage(anna.author, said);
  await finds(phone, 'stork', []);
  await finds(bert, 'are', ['so are the swallows']);
  // Nothing of it is left to be read, once the key is there and the block is made anew.
  await phone.until(async () => {
    const blocks = JSON.stringify(await phone.db.searchBlocks.toArray());
    return blocks.includes('stork') ? undefined : true;
  }, 'the word to be gone');
});
