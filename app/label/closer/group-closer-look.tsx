'use client';

import type { FlagKind } from '@/lib/flags';
import type { HeldGroup } from '../answers/label-state';
import type { Bindings } from '../keys/shortcuts';
import { CloserLook } from './closer-look';
import { GroupCloserBar } from './group-closer-bar';
import type { Comparing } from './use-comparing';

/** One image of a group looked at closely, tagged and flagged there. */
export function GroupCloserLook({
  group,
  at,
  veiled,
  bindings,
  comparing,
  onToggle,
  onChoose,
  onFlag,
  onClose,
}: {
  group: HeldGroup;
  /** The image's index. */
  at: number;
  veiled: boolean;
  bindings: Bindings;
  comparing: Comparing;
  onToggle: (sampleId: string) => void;
  onChoose: (sampleId: string) => void;
  onFlag: (sampleId: string, kind: FlagKind) => void;
  onClose: () => void;
}) {
  const image = group.images[at];
  if (!image) return null;
  return (
    <CloserLook
      title={`${at + 1} of ${group.images.length} · ${group.prompt}`}
      images={[{ image, alt: `Image ${at + 1}: ${group.prompt}` }]}
      veiled={veiled}
      bindings={bindings}
      comparing={comparing}
      onClose={onClose}
    >
      <GroupCloserBar
        group={group}
        at={at}
        bindings={bindings}
        onToggle={onToggle}
        onChoose={onChoose}
        onFlag={onFlag}
      />
    </CloserLook>
  );
}
