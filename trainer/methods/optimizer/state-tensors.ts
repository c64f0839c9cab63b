/**
 * @file A training state as one map of named tensors, as files keep it; the count of steps stands
 * elsewhere.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Tensor } from '@/trainer/graph/tensor';
import type { TrainState } from './optimizer';

const prefixes = {
  tensors: 'weights',
  firstMoments: 'm',
  secondMoments: 'v',
  averages: 'average',
  extra: 'extra',
} as const;

/** Every tensor of a state under its part's prefix. */
export function tensorsOfState(state: TrainState): Map<string, Tensor> {
  const named = Object.entries(prefixes).flatMap(([part, prefix]) =>
    [...(state[part as keyof typeof prefixes] ?? [])].map(([name, tensor]): [string, Tensor] => [
      `${prefix}.${name}`,
      tensor,
    ]),
  );
  return new Map(named);
}

/** The state that `tensorsOfState` took apart. @param step optimizer steps taken */
export function stateOfTensors(tensors: ReadonlyMap<string, Tensor>, step: number): TrainState {
  const part = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(`${prefix}.`))
        .map(([name, tensor]) => [name.slice(prefix.length + 1), tensor]),
    );
  const averages = part(prefixes.averages) as Adapter;
  const extra = part(prefixes.extra);
  return {
    tensors: part(prefixes.tensors) as Adapter,
    firstMoments: part(prefixes.firstMoments) as Adapter,
    secondMoments: part(prefixes.secondMoments) as Adapter,
    ...(averages.size > 0 && { averages }),
    step,
    ...(extra.size > 0 && { extra }),
  };
}
