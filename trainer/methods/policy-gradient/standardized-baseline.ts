/**
 * @file Advantages from standardized rewards, one for all steps of an image; what is remembered of
 * each prompt, as tensors.
 */
import { expectDtype, int64, type Tensor, tensor } from '@/trainer/graph/tensor';
import { type AdvantageSettings, AdvantageTracker } from './advantages';
import { alike, type OpenBaseline } from './baseline';

export function standardizedBaseline(settings: AdvantageSettings): OpenBaseline {
  return async (_, { steps }) => {
    const tracker = new AdvantageTracker(settings);
    return {
      async weigh(draw) {
        const rewards = draw.map(({ reward }) => reward);
        const prompts = draw.map(({ prompt }) => prompt);
        const advantages = tracker.advantages(prompts, rewards);
        return { advantages: advantages.map((advantage) => alike(advantage, steps)) };
      },
      load: async (kept) => tracker.load(recentOf(kept)),
      state: async () => tensorsOf(tracker.recent),
      release: async () => {},
    };
  };
}

type Recent = ReadonlyMap<string, readonly number[]>;

/** The prompts as JSON in UTF-8, how many rewards each has, and all rewards one after the other. */
function tensorsOf(recent: Recent): Map<string, Tensor> {
  const prompts = new TextEncoder().encode(JSON.stringify([...recent.keys()]));
  const counts = [...recent.values()].map((rewards) => rewards.length);
  const rewards = Float64Array.from([...recent.values()].flat());
  return new Map<string, Tensor>([
    ['rewards.prompts', tensor('uint8', [prompts.length], prompts)],
    ['rewards.counts', int64([counts.length], counts)],
    ['rewards.recent', tensor('float64', [rewards.length], rewards)],
  ]);
}

function recentOf(kept: ReadonlyMap<string, Tensor>): Recent {
  const text = kept.get('rewards.prompts');
  if (!text) return new Map();
  const read = (name: string) => kept.get(name) as Tensor;
  const prompts: string[] = JSON.parse(
    new TextDecoder().decode(expectDtype(text, 'uint8', 'Prompts').data),
  );
  const counts = expectDtype(read('rewards.counts'), 'int64', 'Counts of rewards').data;
  const rewards = expectDtype(read('rewards.recent'), 'float64', 'Rewards').data;
  let first = 0;
  return new Map(
    prompts.map((prompt, i) => {
      const own = [...rewards.subarray(first, first + Number(counts[i]))];
      first += own.length;
      return [prompt, own];
    }),
  );
}
