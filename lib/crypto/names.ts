import { RoomId, UserId } from '@matrix-org/matrix-sdk-crypto-wasm';

/** The library wants Matrix' forms of names; they stay in this folder and the key procedures. */
export const matrixUser = (userId: string): string => `@${userId}:x`;
export const ourUser = (matrixUserId: string): string => matrixUserId.slice(1, -2);
export const userOf = (userId: string): UserId => new UserId(matrixUser(userId));

/** A new object at each call: the library consumes what it is handed in arrays. */
export const roomOf = (conversationId: string): RoomId => new RoomId(`!${conversationId}:x`);
/** What own devices tell each other has a key of its own, in a room that no conversation can have the name of. */
export const notesOf = (userId: string): string => `notes-${userId}`;
export const ourConversation = (room: string): string => room.slice(1, -2);
