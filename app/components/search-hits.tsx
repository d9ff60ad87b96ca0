'use client';

import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import type { SearchHit } from '../../lib/client/search';
import { useNames } from '../hooks/use-names';
import type { SearchResult } from '../hooks/use-search';
import { useWhen } from '../hooks/use-when';
import { Avatar } from './avatar';
import { ConversationLink } from './conversation-link';

/** Messages that were found, newest first, each with what was found in it. */
export function SearchHits(props: {
  result: SearchResult;
  /** `null` within one conversation: its name goes without saying. */
  conversations: Map<string, ConversationRow> | null;
  onMore: () => void;
  onOpen?: (() => void) | undefined;
}) {
  const { result, conversations, onMore, onOpen } = props;
  const t = useTranslations('search');
  return (
    <>
      <ul>
        {result.hits.map((hit) => {
          const conversation = conversations?.get(hit.conversationId) ?? null;
          // One that was blocked is not in the list, nor is what was said in it.
          if (conversations && !conversation) return null;
          return (
            <li key={hit.messageId}>
              <Hit hit={hit} conversation={conversation} onOpen={onOpen} />
            </li>
          );
        })}
      </ul>
      {result.more && (
        <button type="button" className="button wide" onClick={onMore}>
          {t('more')}
        </button>
      )}
    </>
  );
}

function Hit(props: {
  hit: SearchHit;
  conversation: ConversationRow | null;
  onOpen: (() => void) | undefined;
}) {
  const { hit, conversation, onOpen } = props;
  const t = useTranslations('list');
  const names = useNames();
  const when = useWhen();
  const sender = hit.senderId === names.me?.userId ? null : names.person(hit.senderId);
  const title = conversation ? names.conversation(conversation) : (sender ?? names.me?.name ?? '');
  const face = conversation ? names.face(conversation) : hit.senderId;
  // In a group it matters who said it.
  const said = conversation?.kind === 'group' && sender !== null;
  const text = <Marked hit={hit} />;
  return (
    <ConversationLink
      className="row hit"
      conversationId={hit.conversationId}
      messageId={hit.messageId}
      onOpen={onOpen}
    >
      <Avatar id={face} name={title} />
      <span className="row-text">
        <span className="row-top">
          <span className="row-name">{title}</span>
          <time dateTime={new Date(hit.at).toISOString()}>{when(hit.at)}</time>
        </span>
        <span className="hit-text">
          {said && `${sender}: `}
          {conversation && sender === null ? t.rich('youRich', { text: () => text }) : text}
        </span>
      </span>
    </ConversationLink>
  );
}

function Marked({ hit }: { hit: SearchHit }) {
  let at = 0;
  const parts = hit.marks.flatMap(([start, end]) => {
    const before = hit.text.slice(at, start);
    at = end;
    return [before, <mark key={start}>{hit.text.slice(start, end)}</mark>];
  });
  return (
    <>
      {parts}
      {hit.text.slice(at)}
    </>
  );
}
