import { CSPProvider } from '@base-ui/react/csp-provider';
import type { Metadata, Viewport } from 'next';
import { cookies, headers } from 'next/headers';
import type { ReactNode } from 'react';
import { currentPerson } from './auth/current-person';
import { Header } from './components/shell/header';
import { Providers } from './components/shell/providers';
import { readTheme, themeCookie } from './components/shell/theme';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Darkroom', template: '%s · Darkroom' },
  description: 'People pick the better of two images; the model learns from every batch of picks.',
  robots: { index: false, follow: false },
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f7f4ee' },
    { media: '(prefers-color-scheme: dark)', color: '#100d0b' },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const nonce = (await headers()).get('x-nonce') ?? undefined;
  const theme = readTheme((await cookies()).get(themeCookie)?.value);
  const person = await currentPerson();

  return (
    // The theme is in the first byte of HTML, so no script has to correct it after the first paint.
    <html lang="en" data-theme={theme === 'system' ? undefined : theme}>
      <body className="flex min-h-dvh flex-col">
        <CSPProvider nonce={nonce}>
          <Providers>
            <a
              href="#main"
              className="sr-only rounded-md bg-primary px-4 py-2 text-primary-foreground text-sm focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-60"
            >
              Skip to content
            </a>
            <Header person={person} theme={theme} />
            <main id="main" className="flex flex-1 flex-col">
              {children}
            </main>
          </Providers>
        </CSPProvider>
      </body>
    </html>
  );
}
