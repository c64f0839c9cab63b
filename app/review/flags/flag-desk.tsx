'use client';

import { Check, Undo2, X } from 'lucide-react';
import Link from 'next/link';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import { type FlagState, flagDescriptions } from '@/lib/flags';
import type { QueuedFlag } from '../../api/review/schema';
import { defectsOf, Picture } from '../../components/film/picture';
import { pressedKey } from '../../components/keyboard/pressed-key';
import { Badge } from '../../components/ui/badge';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';
import { Kbd } from '../../components/ui/kbd';
import { sourceNames } from '../options';
import type { FlagQueue } from './use-flag-queue';

const stateTones = { open: 'neutral', confirmed: 'positive', rejected: 'negative' } as const;

/**
 * One flag in large with its decision, the batch as a strip below. Single letters act only while
 * the desk has the focus (WCAG 2.1.4), which it takes when it opens.
 */
export function FlagDesk({ queue }: { queue: FlagQueue }) {
  const desk = useRef<HTMLDivElement>(null);
  const { current, at } = queue;
  useEffect(() => desk.current?.focus({ preventScroll: true }), []);

  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = pressedKey(event);
    if (key === 'KeyC') queue.decide('confirmed');
    else if (key === 'KeyR') queue.decide('rejected');
    else if (key === 'KeyZ') queue.undo();
    else if (key === 'ArrowRight') queue.goTo(at + 1);
    else if (key === 'ArrowLeft') queue.goTo(at - 1);
    else return;
    event.preventDefault();
  }

  if (!current) return null;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys repeat what the buttons inside do
    <div ref={desk} tabIndex={-1} onKeyDown={press} className="flex flex-col gap-4 outline-none">
      <div className="grid gap-5 md:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="rounded-md bg-film p-3">
          <Picture
            key={current.image.sampleId}
            image={current.image}
            prompt={current.prompt}
            className="mx-auto max-w-[min(100%,58dvh)]"
          />
        </div>
        <div className="flex flex-col gap-4">
          <FlagText flag={current} state={queue.stateOf(current)} />
          <div className="grid grid-cols-2 gap-2">
            <Button
              size="large"
              aria-keyshortcuts="C"
              className="text-positive"
              onClick={() => queue.decide('confirmed')}
            >
              <Check aria-hidden /> Confirm <Kbd>C</Kbd>
            </Button>
            <Button
              size="large"
              aria-keyshortcuts="R"
              className="text-destructive"
              onClick={() => queue.decide('rejected')}
            >
              <X aria-hidden /> Reject <Kbd>R</Kbd>
            </Button>
          </div>
          <Button
            look="quiet"
            aria-keyshortcuts="Z"
            disabled={at === 0}
            onClick={queue.undo}
            className="self-start"
          >
            <Undo2 aria-hidden /> Back to the last one <Kbd>Z</Kbd>
          </Button>
        </div>
      </div>
      <Strip queue={queue} />
    </div>
  );
}

function FlagText({ flag, state }: { flag: QueuedFlag; state: FlagState }) {
  const { label, explanation } = flagDescriptions[flag.kind];
  const defects = defectsOf(flag.image);
  return (
    <div className="text-sm">
      <div className="flex flex-wrap items-center gap-2" role="status">
        <h2 className="font-semibold text-lg">{label}?</h2>
        <Badge tone={stateTones[state]}>{state}</Badge>
      </div>
      <p className="text-muted-foreground">{explanation}</p>
      <dl className="mt-4 grid grid-cols-[6rem_1fr] gap-x-3 gap-y-1">
        <dt className="text-muted-foreground">Prompt</dt>
        <dd>{flag.prompt}</dd>
        <dt className="text-muted-foreground">Flagged by</dt>
        <dd>{flag.annotator ?? sourceNames[flag.source]}</dd>
        <dt className="text-muted-foreground">Judge saw</dt>
        <dd>{flag.image.verdict ? defects.join(', ') || 'no defect' : 'not read'}</dd>
        <dt className="text-muted-foreground">Policy</dt>
        <dd>
          <Link href={`/policies/${flag.policy.id}`} className="underline underline-offset-2">
            {flag.policy.name}
          </Link>
        </dd>
      </dl>
    </div>
  );
}

function Strip({ queue }: { queue: FlagQueue }) {
  return (
    <ul
      aria-label="Flags in this batch"
      className="grid grid-cols-[repeat(auto-fill,minmax(3.5rem,1fr))] gap-1.5 rounded-md bg-film p-3"
    >
      {queue.flags.map((flag, index) => {
        const state = queue.stateOf(flag);
        return (
          <li key={flag.id}>
            <button
              type="button"
              aria-label={`Flag ${index + 1}: ${flagDescriptions[flag.kind].label}, ${state}`}
              aria-current={index === queue.at ? 'true' : undefined}
              onClick={() => queue.goTo(index)}
              className={cn(
                'relative block w-full',
                index === queue.at && 'outline-2 outline-film-ink',
              )}
            >
              <Picture
                image={flag.image}
                src={flag.thumbnail}
                prompt={flag.prompt}
                className={state === 'open' ? undefined : 'opacity-40'}
              />
              {state === 'open' ? null : (
                <span className="absolute inset-0 flex items-center justify-center">
                  {state === 'confirmed' ? (
                    <Check aria-hidden className="size-6 text-positive" />
                  ) : (
                    <X aria-hidden className="size-6 text-destructive" />
                  )}
                </span>
              )}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
