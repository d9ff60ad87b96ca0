import { AparteDb } from '../lib/client/db';
import { borrowKey } from '../lib/client/key-ring';
import type { PreparedPicture } from '../lib/client/picture-rows';
import { NotAPicture, preparePicture } from '../lib/client/prepare-picture';
import { keepShared, sharedText } from '../lib/client/sharing';
import { limits } from '../lib/protocol/limits';
import { sharePath } from './shell';

/** Another app shares something with this one: it is kept, and the page asks for which conversation it is. */
export async function takeShared(request: Request): Promise<Response> {
  const form = await request.formData();
  const parts = ['title', 'text', 'url'].map((name) => {
    const part = form.get(name);
    return typeof part === 'string' ? part : '';
  });
  const files = form.getAll('pictures').filter((part) => part instanceof Blob && part.size > 0);
  const key = await borrowKey('cache');
  // See other: a reload of what is shown must not share it again. Locked, nothing can be kept here: the page takes the
  // text over when its person has opened it, and says that pictures were not taken. What stands behind the hash is sent
  // to nobody.
  if (!key) {
    const question = files.length > 0 ? '?locked' : '';
    return Response.redirect(`${sharePath}${question}#${encodeURIComponent(sharedText(parts))}`, 303);
  }
  const db = new AparteDb(async () => key);
  try {
    const author = { db, now: () => Date.now(), newId: () => crypto.randomUUID() };
    const pictures = await prepared(files);
    await keepShared(author, parts, pictures, files.length - pictures.length);
  } finally {
    db.close();
  }
  return Response.redirect(sharePath, 303);
}

/** One after the other: each is large while it is made small. What is no picture is left out. */
async function prepared(files: FormDataEntryValue[]): Promise<PreparedPicture[]> {
  const pictures: PreparedPicture[] = [];
  for (const file of files.slice(0, limits.picturesPerMessage)) {
    if (typeof file === 'string') continue;
    try {
      pictures.push(await preparePicture(file));
    } catch (error) {
      if (!(error instanceof NotAPicture)) throw error;
    }
  }
  return pictures;
}
