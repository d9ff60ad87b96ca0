'use client';

import dynamic from 'next/dynamic';

/**
 * Dialogs that are rarely opened: no part of what the first screen loads. The service worker has them when there is no
 * network.
 */
export const LinkingModal = dynamic(() => import('./linking-modal').then((file) => file.LinkingModal));
export const RecoverAccount = dynamic(() => import('./recover-account').then((file) => file.RecoverAccount));
export const RecoveryModal = dynamic(() => import('./recovery-modal').then((file) => file.RecoveryModal));
export const SafetyModal = dynamic(() => import('./safety-modal').then((file) => file.SafetyModal));
