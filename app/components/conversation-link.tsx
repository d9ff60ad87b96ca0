'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { MouseEvent, ReactNode } from 'react';

/**
 * To a conversation. On its own route a plain anchor changes the hash, since Next's link would not tell of it.
 */
export function ConversationLink(props: {
  conversationId: string;
  /** A message in it to go to. */
  messageId?: string;
  className?: string;
  current?: boolean;
  /** It is opened here, not in another tab. */
  onOpen?: (() => void) | undefined;
  children: ReactNode;
}) {
  const shared = {
    onClick: (event: MouseEvent) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) props.onOpen?.();
    },
    className: props.className,
    'aria-current': props.current ? ('page' as const) : undefined,
    children: props.children,
  };
  const hash = props.messageId ? `#${props.conversationId}/${props.messageId}` : `#${props.conversationId}`;
  return usePathname() === '/c' ? <a {...shared} href={hash} /> : <Link {...shared} href={`/c${hash}`} />;
}
