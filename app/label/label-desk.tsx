'use client';

import dynamic from 'next/dynamic';
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import type { Answer } from '@/lib/answers';
import type { FlagKind } from '@/lib/flags';
import type { GuidelinesText, LabelProgress } from '../api/label/schema';
import { cn } from '../components/ui/cn';
import type { Held, HeldGroup, HeldPair, Phase } from './answers/label-state';
import { useLabeling } from './answers/use-labeling';
import { useTurnaround } from './answers/use-turnaround';
import { useComparing } from './closer/use-comparing';
import { Announcer } from './desk/announcer';
import { AnswerBar } from './desk/answer-bar';
import { ConsentDialog } from './desk/consent-dialog';
import { FlagChips } from './desk/flag-chips';
import { GuidelinesDialog } from './desk/guidelines-dialog';
import { MissedKeys } from './desk/missed-keys';
import { ProgressLine } from './desk/progress-line';
import { RecentStrip } from './desk/recent-strip';
import { HelpActions, SideActions } from './desk/secondary-actions';
import { Waiting } from './desk/waiting';
import { FilmStrip } from './images/film-strip';
import { GroupDesk } from './images/group-desk';
import { sides } from './images/sides';
import {
  flagShortcut,
  type LookShortcut,
  lookShortcut,
  type ShortcutName,
  tagShortcut,
} from './keys/shortcuts';
import { ShortcutsDialog } from './keys/shortcuts-dialog';
import { useBindings, useShortcuts } from './keys/use-shortcuts';

const PairCloserLook = dynamic(
  () => import('./closer/pair-closer-look').then((module) => module.PairCloserLook),
  { ssr: false },
);
const GroupCloserLook = dynamic(
  () => import('./closer/group-closer-look').then((module) => module.GroupCloserLook),
  { ssr: false },
);

type OpenDialog = 'guidelines' | 'shortcuts' | 'zoom' | null;

/** The labeling screen: everything between a person and the next pair or group. */
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
  const [missed, setMissed] = useState(0);
  const missedIsOver = useCallback(() => setMissed(0), []);
  const { bindings, kept, change: changeBindings } = useBindings();
  const { comparing, press: pressLook, reset: resetLook } = useComparing();
  const labeling = useLabeling({
    personId: props.personId,
    guidelinesVersion: guidelines?.version ?? null,
  });
  const { state, current, progress } = labeling;
  const pair = current?.kind === 'pair' ? current : undefined;
  const group = current?.kind === 'group' ? current : undefined;
  const pairs = state.hand.filter((held): held is HeldPair => held.kind === 'pair');
  const groups = state.hand.filter((held): held is HeldGroup => held.kind === 'group');
  const isGroup = state.hand[0]?.kind === 'group';
  const shown = current?.leaseId ?? null;
  const turnaround = useTurnaround(desk, shown);
  const veiled = blurNsfw && current?.sensitive === true && revealed !== shown && !revealHeld;
  const chosenAt = group?.images.findIndex(({ sampleId }) => sampleId === group.chosen) ?? -1;
  const chosen = group?.images[chosenAt];

  const markShown = useEffectEvent(() => labeling.markShown());
  useEffect(() => {
    if (shown !== null) markShown();
  }, [shown]);

  /** Whether something stands there to be judged; if it is only on its way, says so. */
  function isThere(): boolean {
    if (!current && isOnItsWay(state.phase)) setMissed((before) => before + 1);
    return current !== undefined;
  }

  /** Does what takes what is on screen off it. */
  function goOn(act: () => void) {
    if (!isThere()) return;
    turnaround.start();
    setDialog(null);
    act();
  }

  const answer = (given: Answer) => goOn(() => labeling.answer(given));
  const skip = () => goOn(labeling.skip);
  const submitTags = () => goOn(labeling.submitTags);
  const undo = () => {
    setDialog(null);
    labeling.undo();
  };

  function zoom(sampleId?: string) {
    if (group) labeling.choose(sampleId ?? chosen?.sampleId ?? group.images[0]?.sampleId ?? '');
    resetLook();
    setDialog('zoom');
  }

  function choose(steps: 1 | -1) {
    // With none chosen, the first or the last.
    const next = group?.images.at(chosenAt < 0 && steps < 0 ? -1 : Math.max(0, chosenAt + steps));
    if (next) labeling.choose(next.sampleId);
  }

  function flag(which: 'left' | 'right' | 'chosen', kind: FlagKind) {
    if (!isThere()) return;
    const image = which === 'chosen' ? chosen : pair?.[which];
    if (image) labeling.toggleFlag(image.sampleId, kind);
  }

  function tag(number: number) {
    if (!isThere()) return;
    const image = group?.images[number - 1];
    if (image) labeling.toggleTag(image.sampleId);
  }

  function lookBy(look: LookShortcut) {
    if (!isThere()) return;
    if (dialog !== 'zoom') zoom();
    pressLook(look);
  }

  function press(name: ShortcutName) {
    const flagged = flagShortcut(name);
    const tagged = tagShortcut(name);
    const look = lookShortcut(name);
    if (look) lookBy(look);
    else if (flagged) flag(flagged.which, flagged.kind);
    else if (tagged) tag(tagged);
    else if (name === 'skip') skip();
    else if (name === 'undo') undo();
    else if (name === 'zoom') current && dialog !== 'zoom' ? zoom() : setDialog(null);
    else if (name === 'reveal') setRevealHeld(true);
    else if (name === 'next') submitTags();
    else if (name === 'choose-before') choose(-1);
    else if (name === 'choose-after') choose(1);
    else answer(name as Answer);
  }

  const consent = state.idle?.state === 'consent' ? state.idle : null;
  const consentTo = consent?.guidelines ?? null;
  const subject = isGroup ? 'group' : 'pair';
  useShortcuts({
    bindings,
    subject: consentTo === null && (dialog === null || dialog === 'zoom') ? subject : null,
    onPress: press,
    onRelease: (name) => {
      if (name === 'reveal') setRevealHeld(false);
      else if (name === 'blink') comparing.swap(false);
    },
  });

  const besides = (
    <div className="flex min-w-0 items-center gap-2">
      <SideActions
        bindings={bindings}
        onSkip={current ? skip : null}
        onUndo={state.history.length > 0 ? undo : null}
      />
      <RecentStrip
        history={state.history}
        unsentLeaseIds={labeling.unsentLeaseIds}
        blurSensitive={blurNsfw}
      />
    </div>
  );
  const [firstGroup, ...groupsAhead] = groups;

  return (
    <div
      ref={desk}
      data-label-desk
      data-phase={state.phase}
      data-lease={shown ?? undefined}
      className={cn(
        'mx-auto flex w-full flex-1 flex-col gap-3 px-2 py-3 sm:gap-4 sm:px-4 sm:py-4',
        isGroup
          ? // What is below the header, so that everything is on screen, however many images there are.
            // A floor keeps room for one of them; in a lower window the page scrolls.
            'h-[calc(100dvh-3.5rem-1px)] min-h-[29rem] max-w-page flex-none sm:gap-3 beside:min-h-[17rem] beside:gap-1 beside:py-2'
          : // Beside the film the controls need 17rem, on a wide screen 22. Where neither a column
            // nor a row has room, the images keep a floor and the page scrolls.
            cn(
              'max-w-[calc(2*var(--side)+3.5rem)] [--side:min(50vw,max(12rem,min(34rem,calc(100dvh-25.5rem))))] max-sm:max-w-none max-sm:[--side:50vw]',
              'beside:grid beside:max-w-page beside:grid-cols-[auto_minmax(0,1fr)] beside:grid-rows-[auto_auto_auto_1fr] beside:content-start beside:items-start beside:gap-x-3 beside:gap-y-1.5 beside:py-2',
              'beside:[--side:max(9rem,min(34rem,calc(50vw-11rem),calc(100dvh-8.25rem)))] beside:lg:[--side:max(9rem,min(34rem,calc(50vw-14rem),calc(100dvh-8.25rem)))]',
            ),
      )}
    >
      <h1 className="sr-only">Label</h1>
      <div className={cn('flex items-center gap-2', !isGroup && 'beside:col-start-2')}>
        <ProgressLine progress={progress} />
        <HelpActions
          onGuidelines={guidelines ? () => setDialog('guidelines') : null}
          onShortcuts={() => setDialog('shortcuts')}
        />
      </div>

      <p
        className={cn(
          'flex min-h-10 items-center justify-center text-balance text-center text-base sm:min-h-7 sm:text-lg beside:text-sm',
          !isGroup && 'beside:col-start-2',
        )}
        data-prompt
      >
        {current?.prompt ?? ' '}
      </p>

      {isGroup && firstGroup ? (
        <GroupDesk
          groups={[firstGroup, ...groupsAhead]}
          current={group}
          veiled={veiled}
          bindings={bindings}
          onReveal={() => setRevealed(shown)}
          onToggle={labeling.toggleTag}
          onChoose={labeling.choose}
          onFlag={labeling.toggleFlag}
          onZoom={zoom}
          onSubmit={submitTags}
          dispatch={labeling.dispatch}
        >
          {besides}
        </GroupDesk>
      ) : (
        // In a low window the controls stand beside the film, below it there is no room.
        <div className="flex flex-col gap-3 sm:gap-4 beside:contents">
          <FilmStrip
            pairs={pairs}
            current={pair}
            frameNumber={progress ? progress.own.total + 1 : null}
            veiled={veiled}
            onReveal={() => setRevealed(shown)}
            onPick={answer}
            onZoom={zoom}
            dispatch={labeling.dispatch}
          >
            <Waiting state={state} mayStartRounds={props.mayStartRounds} onRetry={labeling.ask} />
          </FilmStrip>

          <div className="flex flex-col gap-3 sm:gap-4 beside:col-start-2 beside:min-w-0 beside:gap-1.5 low:flex-col-reverse beside:xl:gap-4">
            <div className="grid grid-cols-2 gap-2 px-2 sm:gap-3 sm:px-3 beside:gap-2 beside:px-0">
              {sides.map((side) => (
                // The chips' room follows the images', which follow the window's height as well as
                // its width.
                <div key={side} className="@container min-w-0">
                  <FlagChips
                    which={side}
                    name={`the ${side} image`}
                    image={pair?.[side]}
                    bindings={bindings}
                    onToggle={(kind) => flag(side, kind)}
                  />
                </div>
              ))}
            </div>

            <div className="flex flex-col gap-2 px-2 sm:gap-3 sm:px-3 beside:gap-2 beside:px-0">
              <AnswerBar bindings={bindings} disabled={!pair} onAnswer={answer} />
              {besides}
            </div>
          </div>
        </div>
      )}

      <Announcer
        result={labeling.announcement}
        shown={shown}
        scene={current ? sceneOf(current, state.decided + 1, progress) : ''}
      />
      <MissedKeys count={missed} onOver={missedIsOver} />

      {dialog === 'zoom' && pair ? (
        <PairCloserLook
          pair={pair}
          veiled={veiled}
          bindings={bindings}
          comparing={comparing}
          onFlag={flag}
          onAnswer={answer}
          onClose={() => setDialog(null)}
        />
      ) : null}
      {dialog === 'zoom' && group && chosen ? (
        <GroupCloserLook
          group={group}
          at={chosenAt}
          veiled={veiled}
          bindings={bindings}
          comparing={comparing}
          onToggle={labeling.toggleTag}
          onChoose={labeling.choose}
          onFlag={labeling.toggleFlag}
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
        kept={kept}
        subject={subject}
        onChange={changeBindings}
        onClose={() => setDialog(null)}
      />
      <ConsentDialog
        guidelines={consentTo}
        newSince={consent?.newSince ?? null}
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

/** What is on screen, in words. @param place among all that were on screen, from 1 */
function sceneOf(held: Held, place: number, progress: LabelProgress | null): string {
  const what =
    held.kind === 'pair' ? `Pair ${place}` : `Group ${place} of ${held.images.length} images`;
  const round = progress?.round;
  const far = round ? ` Round ${round.ordinal}: ${round.labeled} of ${round.wanted}.` : '';
  return `${what}: ${held.prompt}.${far}`;
}

/** Whether what is to be judged next comes by itself at any moment. */
function isOnItsWay(phase: Phase): boolean {
  return phase === 'developing' || phase === 'submitting';
}
