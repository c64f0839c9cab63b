'use client';

import { useState } from 'react';
import type { RoundDetail } from '../../api/rounds/schema';
import { FrameSheet } from '../../components/film/frame-sheet';
import { Button } from '../../components/ui/button';
import { Card, CardHeading } from '../../components/ui/card';

/**
 * The same latents through the policy before a round and after it, or, where the round followed a
 * reward from a policy that had been trained already, through the base.
 */
export function FramesCard({
  detail: { round, frames, base, after: measured },
  after,
}: {
  detail: RoundDetail;
  after: string;
}) {
  const [fromBase, setFromBase] = useState(false);
  const start = { name: round.startPolicy.name, frames };
  const shown = fromBase && base ? base : start;
  return (
    <Card>
      <CardHeading title="Before and after">
        The same prompts and seeds, drawn by {shown.name} and by {after}. Press a frame to hold the
        two against each other.
        {measured?.reward ? ` Below each stands its reward, by ${measured.reward.name}.` : ''}
      </CardHeading>
      {base ? (
        <fieldset className="mb-3 flex flex-wrap gap-1">
          <legend className="sr-only">Which policy to compare with</legend>
          {[start, base].map((candidate) => (
            <Button
              key={candidate.name}
              size="small"
              look={candidate === shown ? 'outline' : 'quiet'}
              aria-pressed={candidate === shown}
              onClick={() => setFromBase(candidate === base)}
            >
              {candidate === base ? `${candidate.name} (base)` : candidate.name}
            </Button>
          ))}
        </fieldset>
      ) : null}
      <FrameSheet frames={shown.frames} names={[shown.name, after]} />
    </Card>
  );
}
