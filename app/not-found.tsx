'use client';

import Link from 'next/link';
import { useTranslations } from 'use-intl';

export default function NotFound() {
  const t = useTranslations('notFound');
  return (
    <main className="page empty" id="content">
      <h1>{t('title')}</h1>
      <Link className="button" href="/">
        {t('home')}
      </Link>
    </main>
  );
}
