'use client';

import { useTranslations } from 'use-intl';
import { Logo } from './components/logo';

/** Beside the list on a wide screen; on a narrow one the list alone is shown. */
export default function Home() {
  const t = useTranslations('list');
  return (
    <div className="page empty home" id="content">
      <Logo />
      <p>{t('choose')}</p>
    </div>
  );
}
