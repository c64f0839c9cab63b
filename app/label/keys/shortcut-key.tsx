import { keyLabel } from '../../components/keyboard/pressed-key';
import { Kbd } from '../../components/ui/kbd';
import type { Bindings, ShortcutName } from './shortcuts';

/**
 * The key that does the same as the button it stands on; nothing on touch screens or when switched
 * off.
 */
export function ShortcutKey({ bindings, name }: { bindings: Bindings; name: ShortcutName }) {
  const key = bindings.keys[name][0];
  if (!bindings.on || !key) return null;
  return <Kbd className="pointer-coarse:hidden max-sm:hidden">{keyLabel(key)}</Kbd>;
}
