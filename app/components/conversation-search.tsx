'use client';

import { useEffect, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import { findsStep, prepareSearch, useSearch } from '../hooks/use-search';
import { Icon } from './icons';
import { SearchHits } from './search-hits';

/** Searching within one conversation: a line under its head, and what was found over its messages. */
export function ConversationSearch(props: { conversationId: string; onClose: () => void }) {
  const t = useTranslations('search');
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [limit, setLimit] = useState(findsStep);
  /** The finds are put away while one reads where one of them stands. */
  const [away, setAway] = useState(false);
  const result = useSearch(text, props.conversationId, limit);
  useEffect(() => {
    prepareSearch();
    input.current?.focus();
  }, []);
  return (
    <search
      className="within"
      onKeyDown={(event) => {
        if (event.key === 'Escape') props.onClose();
      }}
    >
      <div className="within-line">
        <label className="search">
          <span className="visually-hidden">{t('within')}</span>
          <Icon name="search" />
          <input
            ref={input}
            type="search"
            value={text}
            placeholder={t('within')}
            onFocus={() => setAway(false)}
            onChange={(event) => {
              setText(event.target.value);
              setLimit(findsStep);
              setAway(false);
            }}
          />
        </label>
        <button type="button" className="icon-button" aria-label={t('close')} onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </div>
      <p className="visually-hidden" role="status">
        {result && t('count', { count: result.hits.length })}
      </p>
      {result && !away && (
        <div className="within-hits">
          {result.hits.length === 0 && <p className="hint">{t('nothing', { text: result.text })}</p>}
          <SearchHits
            result={result}
            conversations={null}
            onMore={() => setLimit(limit + findsStep)}
            onOpen={() => setAway(true)}
          />
        </div>
      )}
    </search>
  );
}
