'use client';

import { type ComponentType, lazy, Suspense } from 'react';

/**
 * Dialogs that are rarely opened: no part of what the first screen loads. The service worker has them when there is no
 * network.
 */
export const LinkingModal = late(() => import('./linking-modal').then((file) => file.LinkingModal));
export const RecoverAccount = late(() => import('./recover-account').then((file) => file.RecoverAccount));
export const RecoveryModal = late(() => import('./recovery-modal').then((file) => file.RecoveryModal));
export const SafetyModal = late(() => import('./safety-modal').then((file) => file.SafetyModal));

function late<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const Late = lazy(async () => ({ default: await load() }));
  return (props) => (
    <Suspense>
      <Late {...props} />
    </Suspense>
  );
}
