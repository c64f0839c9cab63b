'use client';

import { Button } from '../../components/ui/button';
import { ShortcutKey } from '../keys/shortcut-key';
import { ariaKeys, type Bindings } from '../keys/shortcuts';

/** Says how many images of the group are tagged, stores that, and goes on. */
export function NextButton({
  bad,
  disabled,
  bindings,
  onNext,
}: {
  bad: number;
  disabled: boolean;
  bindings: Bindings;
  onNext: () => void;
}) {
  return (
    <Button
      size="large"
      className="flex-1 border-primary bg-primary/10 font-semibold hover:bg-primary/20"
      disabled={disabled}
      aria-keyshortcuts={ariaKeys(bindings, 'next')}
      onClick={onNext}
    >
      {bad === 0 ? 'None is bad, next' : `${bad} bad, next`}
      <ShortcutKey bindings={bindings} name="next" />
    </Button>
  );
}
