'use client';

import type { ReactNode } from 'react';
import { ListedContext } from '../hooks/use-conversations';
import { useReadListed } from '../hooks/use-listed';
import { NamesContext, useReadNames } from '../hooks/use-names';

/** What every part of the screen needs, read once. */
export function NamesProvider({ children }: { children: ReactNode }) {
  const listed = useReadListed();
  return (
    <NamesContext value={useReadNames(listed)}>
      <ListedContext value={listed}>{children}</ListedContext>
    </NamesContext>
  );
}
