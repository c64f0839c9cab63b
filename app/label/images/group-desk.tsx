'use client';

import { EyeOff, Flag } from 'lucide-react';
import { type Dispatch, type ReactNode, useRef } from 'react';
import type { FlagKind } from '@/lib/flags';
import { Button } from '../../components/ui/button';
import type { HeldGroup, LabelAction } from '../answers/label-state';
import { FlagChips } from '../desk/flag-chips';
import { NextButton } from '../desk/next-button';
import type { Bindings } from '../keys/shortcuts';
import { fitGrid, type Grid } from './fit-grid';
import { GroupFrame } from './group-frame';
import { GroupLayer, groupGapPx } from './group-layer';
import { useRoom } from './use-room';

/** The film around the images, px: its padding, and below them its sprockets. */
const filmPx = { width: 16, height: 36 };

/** Narrower, a defect is no longer seen, nor a button hit: then the images scroll. */
const imagePxMin = 112;
const imagePxMax = 544;

/**
 * A group of images of one prompt as a contact sheet: the bad ones are crossed out. The images are
 * as large as the window allows. Groups in hand lie on it as layers, of which the first shows.
 */
export function GroupDesk({
  groups,
  current,
  veiled,
  bindings,
  onReveal,
  onToggle,
  onChoose,
  onFlag,
  onZoom,
  onSubmit,
  dispatch,
  children,
}: {
  groups: [HeldGroup, ...HeldGroup[]];
  /** The group that may be judged, if it is. */
  current: HeldGroup | undefined;
  /** Whether the images are blurred for somebody who wants it so. */
  veiled: boolean;
  bindings: Bindings;
  onReveal: () => void;
  onToggle: (sampleId: string) => void;
  onChoose: (sampleId: string) => void;
  onFlag: (sampleId: string, kind: FlagKind) => void;
  onZoom: (sampleId: string) => void;
  onSubmit: () => void;
  dispatch: Dispatch<LabelAction>;
  /** What else can be done: skip, undo. */
  children: ReactNode;
}) {
  const desk = useRef<HTMLDivElement>(null);
  const controls = useRef<HTMLDivElement>(null);
  const room = useRoom(desk, controls);
  const [group] = groups;
  const chosenAt = group.images.findIndex(({ sampleId }) => sampleId === group.chosen);
  const chosen = group.images[chosenAt];
  const grid = room && gridFor(group, room);
  const rows = grid ? Math.ceil(group.images.length / grid.columns) : 0;
  const across = grid ? grid.columns * (grid.width + groupGapPx) - groupGapPx : 0;
  const down = grid ? rows * (grid.height + groupGapPx) - groupGapPx : 0;

  return (
    <div
      ref={desk}
      data-group={group.groupId}
      className="flex min-h-0 flex-1 flex-col items-center gap-3 beside:flex-row beside:items-start"
    >
      <div className="rounded-md bg-film px-2 pt-2 beside:mx-auto">
        <div
          className="relative"
          style={{
            width: across,
            height: room ? Math.min(down, Math.max(1, room.height - filmPx.height)) : 0,
          }}
        >
          {room
            ? groups.map((held) => (
                <GroupLayer
                  key={held.leaseId}
                  group={held}
                  grid={gridFor(held, room)}
                  shown={held.leaseId === current?.leaseId}
                  veiled={veiled}
                  dispatch={dispatch}
                >
                  {(image, index) => (
                    <GroupFrame
                      image={image}
                      number={index + 1}
                      tagged={held.tagged.includes(image.sampleId)}
                      chosen={held.chosen === image.sampleId}
                      bindings={bindings}
                      onToggle={() => onToggle(image.sampleId)}
                      onChoose={() => onChoose(image.sampleId)}
                      onZoom={() => onZoom(image.sampleId)}
                    />
                  )}
                </GroupLayer>
              ))
            : null}
        </div>
        <div aria-hidden className="sprockets my-2.5 h-2 opacity-15" />
      </div>
      <div
        ref={controls}
        className="flex w-full shrink-0 flex-col gap-2 px-2 sm:px-3 beside:w-60 beside:px-0 beside:xl:w-72"
      >
        <div className="flex items-center gap-3 max-sm:flex-col max-sm:items-stretch max-sm:gap-1 beside:flex-col beside:items-stretch beside:gap-1">
          <p className="flex shrink-0 items-center gap-1.5 text-muted-foreground text-xs tabular-nums sm:w-32 sm:text-sm beside:w-auto beside:text-xs">
            <Flag aria-hidden className="size-3.5" />
            {chosen ? `Flag image ${chosenAt + 1}` : 'Flag an image'}
          </p>
          <div className="@container min-w-0 flex-1">
            <FlagChips
              which="chosen"
              name={chosen ? `image ${chosenAt + 1}` : 'the chosen image'}
              image={current && chosen}
              bindings={bindings}
              onToggle={(kind) => chosen && onFlag(chosen.sampleId, kind)}
            />
          </div>
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <NextButton
            bad={group.tagged.length}
            disabled={!current}
            bindings={bindings}
            onNext={onSubmit}
          />
          {veiled ? (
            <Button size="large" onClick={onReveal}>
              <EyeOff aria-hidden /> Show
            </Button>
          ) : null}
        </div>
        {children}
      </div>
    </div>
  );
}

function gridFor(group: HeldGroup, room: { width: number; height: number }): Grid {
  const [first] = group.images;
  return fitGrid({
    room: { width: room.width - filmPx.width, height: room.height - filmPx.height },
    count: group.images.length,
    aspect: first ? first.width / first.height : 1,
    gap: groupGapPx,
    widthMin: imagePxMin,
    widthMax: imagePxMax,
  });
}
