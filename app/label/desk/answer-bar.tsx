'use client';

import { type Answer, answerDescriptions, answers } from '@/lib/answers';
import { cn } from '../../components/ui/cn';
import { ShortcutKey } from '../keys/shortcut-key';
import { ariaKeys, type Bindings } from '../keys/shortcuts';

/**
 * Where each answer stands: the sides outside, as on screen; on a phone, held either way, the sides
 * on top.
 */
const places: Record<Answer, string> = {
  left: 'order-1',
  right: 'order-2 sm:order-4 beside:order-2',
  tie: 'order-3 sm:order-2 beside:order-3',
  'both-bad': 'order-4 sm:order-3 beside:order-4',
};

/** The four answers, each with its key. */
export function AnswerBar({
  bindings,
  disabled,
  onAnswer,
}: {
  bindings: Bindings;
  disabled: boolean;
  onAnswer: (answer: Answer) => void;
}) {
  return (
    <div className="grid grid-cols-2 gap-2 sm:grid-cols-[1fr_auto_auto_1fr] sm:gap-3 beside:grid-cols-2 beside:gap-2">
      {answers.map((answer) => {
        const isSide = answer === 'left' || answer === 'right';
        return (
          <button
            key={answer}
            type="button"
            disabled={disabled}
            title={answerDescriptions[answer].explanation}
            aria-keyshortcuts={ariaKeys(bindings, answer)}
            onClick={() => onAnswer(answer)}
            className={cn(
              'flex h-12 items-center justify-center gap-2.5 whitespace-nowrap rounded-md beside:gap-1.5 border text-sm transition-colors disabled:opacity-50',
              isSide
                ? 'border-primary bg-primary/10 font-semibold enabled:hover:bg-primary/20 enabled:active:bg-primary/35 max-sm:h-16 max-sm:text-base'
                : 'bg-card font-medium enabled:hover:bg-muted enabled:active:bg-muted/60 sm:px-5 beside:px-1',
              places[answer],
            )}
          >
            {answer === 'right' ? null : <ShortcutKey bindings={bindings} name={answer} />}
            {answerDescriptions[answer].label}
            {answer === 'right' ? <ShortcutKey bindings={bindings} name={answer} /> : null}
          </button>
        );
      })}
    </div>
  );
}
