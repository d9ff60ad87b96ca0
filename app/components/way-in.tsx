'use client';

import type { Session } from '../../lib/client/meta';
import { late } from './late';

/** How somebody comes in whose account exists: by another of their devices, or by their recovery key. */
export type Way = 'none' | 'link' | 'recover';

// For few of those who see the buttons.
const { Late: LinkingModal, ahead: linkAhead } = late(() =>
  import('./linking-modal').then((file) => file.LinkingModal),
);
const { Late: RecoverAccount, ahead: recoverAhead } = late(() =>
  import('./recover-account').then((file) => file.RecoverAccount),
);

/** For a button that leads to it: the file comes when somebody is about to press. */
export const linkNearing = { onPointerEnter: () => void linkAhead(), onFocus: () => void linkAhead() };
export const recoverNearing = {
  onPointerEnter: () => void recoverAhead(),
  onFocus: () => void recoverAhead(),
};

/** @param handle of the account, where it is known */
export function WayIn(props: {
  way: Way;
  session: Session | undefined;
  handle: string | undefined;
  onClose: () => void;
}) {
  const { way, session, handle, onClose } = props;
  if (way === 'link') return <LinkingModal side="new" onClose={onClose} />;
  if (way === 'recover' && session)
    return <RecoverAccount session={session} handle={handle} onClose={onClose} />;
  return null;
}
