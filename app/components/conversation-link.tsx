'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';

/**
 * To a conversation. On its own route a plain anchor changes the hash, since Next's link would not tell of it.
 */
export function ConversationLink(props: {
  conversationId: string;
  className?: string;
  current?: boolean;
  children: ReactNode;
}) {
  const shared = {
    className: props.className,
    'aria-current': props.current ? ('page' as const) : undefined,
    children: props.children,
  };
  return usePathname() === '/c' ? (
    <a {...shared} href={`#${props.conversationId}`} />
  ) : (
    <Link {...shared} href={`/c#${props.conversationId}`} />
  );
}
