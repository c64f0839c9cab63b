'use client';

import { Flame } from 'lucide-react';
import { Button } from './components/ui/button';
import { Notice } from './components/ui/notice';

export default function ErrorPage({ error, retry }: { error: unknown; retry: () => void }) {
  const digest = error instanceof Error && 'digest' in error ? String(error.digest) : null;
  return (
    <Notice
      icon={Flame}
      title="This page could not be developed"
      action={<Button onClick={retry}>Try again</Button>}
    >
      <p>Something failed on our side. Nothing you did is lost.</p>
      {digest ? <p className="edge-print mt-2">For the log: {digest}</p> : null}
    </Notice>
  );
}
