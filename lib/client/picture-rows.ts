import type { Picture, SentPicture } from './content';
import type { AparteDb, MessageRow, PictureRow } from './db';

export const isSent = (picture: Picture | undefined): picture is SentPicture =>
  picture !== undefined && 'address' in picture;

export const pictureOf = ({ type, width, height, standIn }: PictureRow): Picture => ({
  type,
  width,
  height,
  standIn,
});

/**
 * These messages are deleted, or were never sent: their pictures go from here, and one's own from the server too.
 * Inside a transaction over `pictures` and `transfers`.
 */
export async function forgetPictures(db: AparteDb, rows: MessageRow[]): Promise<void> {
  for (const { id, picture, senderId } of rows) {
    if (!picture) continue;
    await db.pictures.delete(id);
    if (isSent(picture)) await db.transfers.put({ id, kind: 'drop', address: picture.address, by: senderId });
    else await db.transfers.delete(id);
  }
}
