import type { AlertWords } from '../../lib/client/alerts';

/** The words of notifications, apart from the screens': the service worker carries these only. */
const en: AlertWords = {
  app: 'Aparté',
  newMessages: (count) => (count === 1 ? 'New message' : `${count} new messages`),
  said: (name, text) => `${name}: ${text}`,
  picture: (text) => `📷 ${text || 'Picture'}`,
  markRead: 'Mark as read',
  reply: 'Reply',
  writeHere: 'Write a message',
  deviceLinked: (name) => `${name ? `“${name}”` : 'A device'} was linked to your account.`,
  deviceRemoved: (name) => `${name ? `“${name}”` : 'A device'} was removed from your account.`,
  upToDate: 'You are up to date.',
  openToRead: 'Open Aparté to read it.',
};

const fr: AlertWords = {
  app: 'Aparté',
  newMessages: (count) => (count === 1 ? 'Nouveau message' : `${count} nouveaux messages`),
  said: (name, text) => `${name} : ${text}`,
  picture: (text) => `📷 ${text || 'Photo'}`,
  markRead: 'Marquer comme lu',
  reply: 'Répondre',
  writeHere: 'Écrire un message',
  deviceLinked: (name) => `${name ? `« ${name} »` : 'Un appareil'} a été associé à votre compte.`,
  deviceRemoved: (name) => `${name ? `« ${name} »` : 'Un appareil'} a été retiré de votre compte.`,
  upToDate: 'Vous êtes à jour.',
  openToRead: 'Ouvrez Aparté pour le lire.',
};

export const alertWords: Record<'en' | 'fr', AlertWords> = { en, fr };
