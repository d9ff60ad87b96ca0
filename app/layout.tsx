import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { Providers } from './components/providers';
import { Shell } from './components/shell';
import './styles/base.css';
import './styles/list.css';
import './styles/conversation.css';
import './styles/pictures.css';
import './styles/pages.css';
import './styles/settings.css';
import './styles/storage.css';

export const metadata: Metadata = {
  title: 'Aparté',
  description: 'A private messenger: end-to-end encrypted, on all your devices, with or without a network.',
  icons: { icon: '/icon.svg', apple: '/apple-touch-icon.png' },
  manifest: '/manifest.webmanifest',
  appleWebApp: { capable: true, title: 'Aparté', statusBarStyle: 'default' },
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  interactiveWidget: 'resizes-content',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f7f3ec' },
    { media: '(prefers-color-scheme: dark)', color: '#161311' },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        <Providers>
          <Shell>{children}</Shell>
        </Providers>
      </body>
    </html>
  );
}
