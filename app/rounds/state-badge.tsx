import { type RoundState, roundStateLabels } from '@/lib/rounds';
import { Badge } from '../components/ui/badge';

const tones: Record<RoundState, 'neutral' | 'active' | 'positive' | 'negative'> = {
  sampling: 'active',
  labeling: 'active',
  training: 'active',
  evaluating: 'active',
  done: 'positive',
  failed: 'negative',
  cancelled: 'neutral',
};

/** Where a round stands, in a word. */
export function StateBadge({ state, held }: { state: RoundState; held: boolean }) {
  const label = roundStateLabels[state];
  if (held) return <Badge>{label}, paused</Badge>;
  return <Badge tone={tones[state]}>{label}</Badge>;
}
