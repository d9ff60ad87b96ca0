import { AparteDb } from '../lib/client/db';
import { borrowKey } from '../lib/client/key-ring';
import { keepShared, sharedText } from '../lib/client/sharing';
import { sharePath } from './shell';

/** Another app shares something with this one: it is kept, and the page asks for which conversation it is. */
export async function takeShared(request: Request): Promise<Response> {
  const form = await request.formData();
  const parts = ['title', 'text', 'url'].map((name) => {
    const part = form.get(name);
    return typeof part === 'string' ? part : '';
  });
  const key = await borrowKey('cache');
  // See other: a reload of what is shown must not share it again. Locked, nothing can be kept here: the page takes it
  // over when its person has opened it. What stands behind the hash is sent to nobody.
  if (!key) return Response.redirect(`${sharePath}#${encodeURIComponent(sharedText(parts))}`, 303);
  const db = new AparteDb(async () => key);
  try {
    await keepShared(db, parts, Date.now());
  } finally {
    db.close();
  }
  return Response.redirect(sharePath, 303);
}
