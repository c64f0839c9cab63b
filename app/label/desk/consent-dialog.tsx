'use client';

import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { z } from 'zod';
import type { GuidelinesText, NewSince } from '../../api/label/schema';
import { Markdown } from '../../components/markdown/markdown';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FormError } from '../../components/ui/form-error';
import { Switch } from '../../components/ui/switch';
import { send } from '../../http/send';

/**
 * Asked before the first pair and whenever the guidelines have changed; labeling starts with the
 * answer.
 */
export function ConsentDialog({
  guidelines,
  newSince,
  blurNsfw,
  onAccepted,
}: {
  /** The version to be accepted; null: none. */
  guidelines: GuidelinesText | null;
  /** What changed since the version accepted last, if there was one. */
  newSince: NewSince | null;
  blurNsfw: boolean;
  onAccepted: (guidelines: GuidelinesText, blurNsfw: boolean) => void;
}) {
  const [blur, setBlur] = useState(blurNsfw);
  const accept = useMutation({
    mutationFn: ({ version }: GuidelinesText) =>
      send('POST', '/api/label/consent', z.unknown(), { version, blurNsfw: blur }),
    onSuccess: (_, accepted) => onAccepted(accepted, blur),
  });
  if (!guidelines) return null;
  return (
    <Dialog
      open
      title="Before you start"
      description={`Guidelines, version ${guidelines.version}`}
      wide
    >
      <div className="flex flex-col gap-4">
        {newSince ? <Changes newSince={newSince} /> : null}
        <Markdown>{guidelines.markdown}</Markdown>
        <div className="border-t pt-3">
          <Switch
            label="Blur images in which blood or nudity was seen"
            help="You can show each one when you want to. Change this at any time in your settings."
            checked={blur}
            onChange={setBlur}
          />
        </div>
        <p className="text-muted-foreground text-sm">
          Your picks are stored with your name and used to train the model. You may skip any pair
          and stop at any time.
        </p>
        <FormError error={accept.error} />
        <Button
          look="primary"
          size="large"
          busy={accept.isPending}
          onClick={() => accept.mutate(guidelines)}
        >
          I have read them, start
        </Button>
      </div>
    </Dialog>
  );
}

const looks = {
  kept: 'span',
  added: 'ins',
  removed: 'del',
} as const;

/** What differs from the version that the person knows: new words underlined, old ones struck. */
function Changes({ newSince: { version, lines } }: { newSince: NewSince }) {
  return (
    <section className="rounded-md border border-primary p-3 text-sm">
      <h3 className="font-semibold">New since version {version}</h3>
      {lines.length === 0 ? <p className="mt-1">No word has changed.</p> : null}
      <ul className="mt-1 flex flex-col gap-1">
        {lines.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines never change in place
          <li key={at} className="whitespace-pre-wrap">
            {line.map(({ kind, text }, index) => {
              const Look = looks[kind];
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes in place
                <Look key={index} className={lookClasses[kind]}>
                  {text}
                </Look>
              );
            })}
          </li>
        ))}
      </ul>
    </section>
  );
}

const lookClasses = {
  kept: undefined,
  added: 'font-medium text-positive decoration-1 underline-offset-2',
  removed: 'text-destructive',
} as const;
