'use client';

import { useState } from 'react';
import type { ShownImage } from '../../api/images/schema';
import { scoreText } from '../figures/format';
import { Button } from '../ui/button';
import { cn } from '../ui/cn';
import { Picture } from './picture';

const ways = ['slider', 'blink', 'side by side'] as const;

type Way = (typeof ways)[number];

/**
 * Two images of one prompt and seed held against each other: a slider moves the edge between them,
 * pressing and holding swaps them in place, or they stand side by side. All work from the keyboard.
 */
export function Compare({
  prompt,
  before,
  after,
}: {
  prompt: string;
  before: { name: string; image: ShownImage };
  after: { name: string; image: ShownImage };
}) {
  const [way, setWay] = useState<Way>('slider');
  return (
    <div className="flex flex-col gap-4">
      <fieldset className="flex flex-wrap gap-1">
        <legend className="sr-only">How to compare</legend>
        {ways.map((candidate) => (
          <Button
            key={candidate}
            size="small"
            look={candidate === way ? 'outline' : 'quiet'}
            aria-pressed={candidate === way}
            onClick={() => setWay(candidate)}
            className="capitalize"
          >
            {candidate}
          </Button>
        ))}
      </fieldset>
      {way === 'slider' ? <Slider prompt={prompt} before={before} after={after} /> : null}
      {way === 'blink' ? <Blink prompt={prompt} before={before} after={after} /> : null}
      {way === 'side by side' ? (
        <div className="grid grid-cols-2 gap-2">
          {[before, after].map(({ name, image }) => (
            <figure key={name} className="rounded-md bg-film p-2">
              <Picture image={image} prompt={prompt} />
              <figcaption className="edge-print mt-2 truncate text-film-ink">
                {captionOf({ name, image })}
              </figcaption>
            </figure>
          ))}
        </div>
      ) : null}
    </div>
  );
}

/** Who drew an image and, where a reward was followed, what it says of it. */
function captionOf({ name, image: { reward } }: { name: string; image: ShownImage }): string {
  return reward === undefined ? name : `${name}, reward ${scoreText(reward)}`;
}

type Sides = Parameters<typeof Compare>[0];

const stageClass = 'relative mx-auto w-full max-w-[min(30rem,60dvh)] rounded-md bg-film p-2';

function Slider({ prompt, before, after }: Sides) {
  const [share, setShare] = useState(50);
  return (
    <div className={stageClass}>
      <div className="relative overflow-hidden">
        <Picture image={after.image} prompt={`${after.name}: ${prompt}`} />
        <div className="absolute inset-0" style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}>
          <Picture image={before.image} prompt={`${before.name}: ${prompt}`} />
        </div>
        <div
          aria-hidden
          className="absolute inset-y-0 w-0.5 -translate-x-1/2 bg-film-ink"
          style={{ left: `${share}%` }}
        />
      </div>
      <input
        type="range"
        min={0}
        max={100}
        value={share}
        aria-label={`How much of ${before.name} shows over ${after.name}`}
        aria-valuetext={`${share} % ${before.name}`}
        onChange={(event) => setShare(event.target.valueAsNumber)}
        className="mt-2 h-6 w-full accent-film-ink"
      />
      <div className="edge-print flex justify-between gap-4 text-film-ink">
        <span className="truncate">◂ {captionOf(before)}</span>
        <span className="truncate">{captionOf(after)} ▸</span>
      </div>
    </div>
  );
}

function Blink({ prompt, before, after }: Sides) {
  const [held, hold] = useState(false);
  const shown = held ? before : after;
  return (
    <div className={stageClass}>
      {/* Both stay in the page, decoded, so that the swap takes one frame. */}
      <div className="relative">
        <Picture image={after.image} prompt={`${after.name}: ${prompt}`} />
        <div className={cn('absolute inset-0', !held && 'invisible')}>
          <Picture image={before.image} prompt={`${before.name}: ${prompt}`} />
        </div>
      </div>
      <p role="status" className="edge-print mt-2 text-film-ink">
        {captionOf(shown)}
      </p>
      <Button
        className="mt-2 w-full touch-none"
        aria-pressed={held}
        onPointerDown={() => hold(true)}
        onPointerUp={() => hold(false)}
        onPointerLeave={() => hold(false)}
        onPointerCancel={() => hold(false)}
        onBlur={() => hold(false)}
        onKeyDown={(event) => {
          if (event.key !== ' ' && event.key !== 'Enter') return;
          event.preventDefault();
          hold(true);
        }}
        onKeyUp={() => hold(false)}
      >
        Hold to see {before.name}
      </Button>
    </div>
  );
}
