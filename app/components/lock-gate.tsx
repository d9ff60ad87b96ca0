'use client';

import type { ReactNode } from 'react';
import { looksFirst } from '../../lib/client/first-visit';
import { useAutoLock, useLockState } from '../hooks/use-lock';
import { whenThereIsTime } from '../hooks/when-there-is-time';
import { late } from './late';
import { Opening } from './opening';

const { Late: LockScreen } = late(() => import('./lock-screen').then((file) => file.LockScreen), Opening);

// At a first visit what is drawn next runs its scripts while the key is looked for, not when it is to be drawn. Whoever is
// signed in has the engine start meanwhile.
if (typeof document !== 'undefined' && looksFirst())
  whenThereIsTime(() => void import('./shell').catch(() => undefined));

/** Nothing behind it is there, not even in memory, until this profile is open. */
export function LockGate({ children }: { children: ReactNode }) {
  const state = useLockState();
  if (state === 'locked') return <LockScreen />;
  return state === 'open' ? <Unlocked>{children}</Unlocked> : <Opening />;
}

function Unlocked({ children }: { children: ReactNode }) {
  useAutoLock();
  return children;
}
