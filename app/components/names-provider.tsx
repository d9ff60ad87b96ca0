'use client';

import type { ReactNode } from 'react';
import { NamesContext, useReadNames } from '../hooks/use-names';

export function NamesProvider({ children }: { children: ReactNode }) {
  return <NamesContext value={useReadNames()}>{children}</NamesContext>;
}
