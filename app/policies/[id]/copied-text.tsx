'use client';

import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../../components/ui/button';

/** Text to be copied as it stands, with a button that does it. */
export function CopiedText({ what, text }: { what: string; text: string }) {
  const [copied, setCopied] = useState(false);

  async function copy() {
    // Without HTTPS browsers have no clipboard for pages; the text is there to be selected.
    await navigator.clipboard?.writeText(text);
    setCopied(navigator.clipboard !== undefined);
  }

  return (
    <div className="flex items-start gap-2 rounded-md bg-muted py-1 pr-1 pl-3">
      {/** biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <pre tabIndex={0} className="min-w-0 flex-1 overflow-x-auto py-2 font-mono text-xs">
        {text}
      </pre>
      <Button
        look="quiet"
        size="icon"
        onClick={copy}
        onBlur={() => setCopied(false)}
        aria-label={copied ? `${what} copied` : `Copy ${what}`}
      >
        {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
      </Button>
    </div>
  );
}
