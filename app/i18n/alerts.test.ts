import { expect, test } from 'vitest';
import { alertData } from '../../lib/client/alert-data';
import { notificationOf } from '../../lib/client/alerts';
import { alertWords } from './alerts';

const deviceId = '0a0b0c0d-0000-4000-8000-000000000001';

test('a device that came or went is told of by its name, or without it, and a click knows which it was', () => {
  const told = (language: 'en' | 'fr', event: 'linked' | 'removed', name: string | null) =>
    notificationOf({ deviceId, event, name, at: 1, silent: false }, alertWords[language], true);
  const { title, options } = told('en', 'linked', 'Phone');
  expect(title).toBe('Aparté');
  expect(options.body).toBe('“Phone” was linked to your account.');
  expect(alertData.parse(options.data)).toEqual({ deviceId });
  expect(options.actions).toBeUndefined();
  expect(told('en', 'removed', null).options.body).toBe('A device was removed from your account.');
  expect(told('fr', 'removed', 'Phone').options.body).toBe('« Phone » a été retiré de votre compte.');
  expect(told('fr', 'linked', null).options.body).toBe('Un appareil a été associé à votre compte.');
});
