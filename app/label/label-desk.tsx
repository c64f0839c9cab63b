'use client';

import dynamic from 'next/dynamic';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import type { Answer } from '@/lib/answers';
import { type FlagKind, flagKinds } from '@/lib/flags';
import type { GuidelinesText } from '../api/label/schema';
import { AnswerBar } from './answer-bar';
import { ConsentDialog } from './consent-dialog';
import { FilmStrip } from './film-strip';
import { FlagChips } from './flag-chips';
import { GroupDesk } from './group-desk';
import { GuidelinesDialog } from './guidelines-dialog';
import { ProgressLine } from './progress-line';
import { RecentStrip } from './recent-strip';
import { HelpActions, SideActions } from './secondary-actions';
import type { ShortcutName } from './shortcuts';
import { ShortcutsDialog } from './shortcuts-dialog';
import { useGroupTagging } from './use-group-tagging';
import { type Side, useLabeling } from './use-labeling';
import { useBindings, useShortcuts } from './use-shortcuts';
import { useTurnaround } from './use-turnaround';
import { Waiting } from './waiting';

const CloserLook = dynamic(() => import('./closer-look').then((module) => module.CloserLook), {
  ssr: false,
});

type OpenDialog = 'guidelines' | 'shortcuts' | 'zoom' | null;

/** The labeling screen: everything between a person and the next pair. */
export function LabelDesk(props: {
  personId: string;
  blurNsfw: boolean;
  mayStartRounds: boolean;
  mayWriteGuidelines: boolean;
  guidelines: GuidelinesText | null;
}) {
  const desk = useRef<HTMLDivElement>(null);
  const [guidelines, setGuidelines] = useState(props.guidelines);
  const [blurNsfw, setBlurNsfw] = useState(props.blurNsfw);
  const [revealed, setRevealed] = useState<string | null>(null);
  const [revealHeld, setRevealHeld] = useState(false);
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const [bindings, setBindings] = useBindings();
  const labeling = useLabeling({
    personId: props.personId,
    guidelinesVersion: guidelines?.version ?? null,
  });
  const { state, current, progress } = labeling;
  const group = state.phase === 'waiting' && state.dry?.state === 'group' ? state.dry.group : null;
  const tagging = useGroupTagging({ ...labeling, group });
  const shown = current?.leaseId ?? null;
  const turnaround = useTurnaround(desk, shown);
  const onScreen = shown ?? group?.groupId ?? null;
  const sensitive = (current ?? group)?.sensitive === true;
  const veiled = blurNsfw && sensitive && revealed !== onScreen && !revealHeld;

  const markShown = useEffectEvent(() => labeling.markShown());
  useEffect(() => {
    if (shown !== null) markShown();
  }, [shown]);

  function answer(given: Answer) {
    if (!current) return;
    turnaround.start();
    setDialog(null);
    labeling.answer(given);
  }

  function skip() {
    if (!current) return;
    turnaround.start();
    setDialog(null);
    labeling.skip();
  }

  const undo = state.history.length > 0 ? labeling.undo : tagging.undo;

  function press(name: ShortcutName) {
    const flag = flagShortcut(name);
    if (flag) labeling.toggleFlag(flag.side, flag.kind);
    else if (name === 'skip') skip();
    else if (name === 'undo') undo?.();
    else if (name === 'zoom') setDialog((open) => (open === 'zoom' || !current ? null : 'zoom'));
    else if (name === 'reveal') setRevealHeld(true);
    else answer(name as Answer);
  }

  const consentTo = state.dry?.state === 'consent' ? state.dry.guidelines : null;
  useShortcuts({
    bindings,
    enabled: consentTo === null && group === null && (dialog === null || dialog === 'zoom'),
    onPress: press,
    onRelease: (name) => name === 'reveal' && setRevealHeld(false),
  });

  return (
    <div
      ref={desk}
      data-label-desk
      data-phase={state.phase}
      data-lease={shown ?? undefined}
      className="mx-auto flex w-full max-w-[calc(2*var(--side)+3.5rem)] flex-1 flex-col gap-3 px-2 py-3 [--side:min(50vw,34rem,calc(100dvh-25.5rem))] max-sm:max-w-none max-sm:[--side:50vw] sm:gap-4 sm:px-4 sm:py-4"
    >
      <h1 className="sr-only">Label</h1>
      <div className="flex items-center gap-2">
        <ProgressLine progress={progress} />
        <HelpActions
          onGuidelines={guidelines ? () => setDialog('guidelines') : null}
          onShortcuts={() => setDialog('shortcuts')}
        />
      </div>

      <p
        className="flex min-h-10 items-center justify-center text-balance text-center text-base sm:min-h-7 sm:text-lg"
        data-prompt
      >
        {(current ?? group)?.prompt ?? ' '}
      </p>

      {group ? (
        <GroupDesk
          key={group.groupId}
          group={group}
          tagged={tagging.tagged}
          veiled={veiled}
          keysOn={bindings.on}
          onReveal={() => setRevealed(onScreen)}
          onToggle={tagging.toggle}
          onSubmit={tagging.submit}
          onUndo={tagging.undo}
        />
      ) : (
        <>
          <FilmStrip
            pairs={state.pairs}
            current={current}
            frameNumber={progress ? progress.own.total + 1 : null}
            veiled={veiled}
            onReveal={() => setRevealed(onScreen)}
            onPick={answer}
            onZoom={() => setDialog('zoom')}
            dispatch={labeling.dispatch}
          >
            <Waiting state={state} mayStartRounds={props.mayStartRounds} onRetry={labeling.ask} />
          </FilmStrip>

          <div className="grid grid-cols-2 gap-2 px-2 sm:gap-3 sm:px-3">
            {(['left', 'right'] as const).map((side) => (
              // The chips' room follows the images', which follow the window's height as well as its width.
              <div key={side} className="@container min-w-0">
                <FlagChips
                  side={side}
                  image={current?.[side]}
                  bindings={bindings}
                  onToggle={(kind) => labeling.toggleFlag(side, kind)}
                />
              </div>
            ))}
          </div>

          <div className="flex flex-col gap-2 px-2 sm:gap-3 sm:px-3">
            <AnswerBar bindings={bindings} disabled={!current} onAnswer={answer} />
            <div className="flex items-center gap-2">
              <SideActions bindings={bindings} onSkip={current ? skip : null} onUndo={undo} />
              <RecentStrip
                history={state.history}
                unsentLeaseIds={labeling.unsentLeaseIds}
                blurSensitive={blurNsfw}
              />
            </div>
          </div>
        </>
      )}

      <p role="status" className="sr-only">
        {labeling.announcement}
      </p>

      {dialog === 'zoom' && current ? (
        <CloserLook
          pair={current}
          veiled={veiled}
          bindings={bindings}
          onAnswer={answer}
          onClose={() => setDialog(null)}
        />
      ) : null}
      <GuidelinesDialog
        guidelines={guidelines}
        open={dialog === 'guidelines'}
        mayEdit={props.mayWriteGuidelines}
        onClose={() => setDialog(null)}
      />
      <ShortcutsDialog
        open={dialog === 'shortcuts'}
        bindings={bindings}
        onChange={setBindings}
        onClose={() => setDialog(null)}
      />
      <ConsentDialog
        guidelines={consentTo}
        blurNsfw={blurNsfw}
        onAccepted={(accepted, blur) => {
          setGuidelines(accepted);
          setBlurNsfw(blur);
          labeling.ask();
        }}
      />
    </div>
  );
}

function flagShortcut(name: ShortcutName): { side: Side; kind: FlagKind } | null {
  const kind = flagKinds.find((candidate) => name.endsWith(`-${candidate}`));
  if (!name.startsWith('flag-') || !kind) return null;
  return { side: name.startsWith('flag-left') ? 'left' : 'right', kind };
}
