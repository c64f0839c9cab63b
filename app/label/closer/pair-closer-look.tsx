'use client';

import type { Answer } from '@/lib/answers';
import type { FlagKind } from '@/lib/flags';
import type { HeldPair } from '../answers/label-state';
import { AnswerBar } from '../desk/answer-bar';
import { FlagChips } from '../desk/flag-chips';
import { type Side, sides } from '../images/sides';
import type { Bindings } from '../keys/shortcuts';
import { CloserLook } from './closer-look';
import type { Comparing } from './use-comparing';

const sideNames: Record<Side, string> = { left: 'Left', right: 'Right' };

/** Both images of a pair looked at closely, flagged and judged there. */
export function PairCloserLook({
  pair,
  veiled,
  bindings,
  comparing,
  onFlag,
  onAnswer,
  onClose,
}: {
  pair: HeldPair;
  veiled: boolean;
  bindings: Bindings;
  comparing: Comparing;
  onFlag: (side: Side, kind: FlagKind) => void;
  onAnswer: (answer: Answer) => void;
  onClose: () => void;
}) {
  return (
    <CloserLook
      title={pair.prompt}
      images={sides.map((side) => ({
        image: pair[side],
        alt: `${sideNames[side]}: ${pair.prompt}`,
        name: sideNames[side],
      }))}
      veiled={veiled}
      bindings={bindings}
      comparing={comparing}
      onClose={onClose}
    >
      <div className="flex flex-col gap-2">
        <div className="grid grid-cols-2 gap-2">
          {sides.map((side) => (
            <div key={side} className="@container min-w-0">
              <FlagChips
                which={side}
                name={`the ${side} image`}
                image={pair[side]}
                bindings={bindings}
                onToggle={(kind) => onFlag(side, kind)}
              />
            </div>
          ))}
        </div>
        <AnswerBar bindings={bindings} disabled={false} onAnswer={onAnswer} />
      </div>
    </CloserLook>
  );
}
