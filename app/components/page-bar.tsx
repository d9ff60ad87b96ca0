'use client';

import Link from 'next/link';
import { useTranslations } from 'use-intl';
import { Icon } from './icons';

export function PageBar({ title, back, always = false }: { title: string; back: string; always?: boolean }) {
  const t = useTranslations('nav');
  return (
    <header className="bar">
      <Link className={`icon-button ${always ? '' : 'only-narrow'}`} href={back} aria-label={t('back')}>
        <Icon name="back" />
      </Link>
      <h1>{title}</h1>
    </header>
  );
}
