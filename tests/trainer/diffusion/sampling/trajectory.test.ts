import { describe, expect, it } from 'vitest';
import {
  latentsAt,
  parseTrajectory,
  serializeTrajectory,
  stackLatents,
  type Trajectory,
} from '@/trainer/diffusion/sampling/trajectory';
import { serializeSafetensors } from '@/trainer/formats/safetensors';
import { float32, int64 } from '@/trainer/graph/tensor';

const trajectory: Trajectory = {
  prompt: 'Ein Café — №5',
  seed: 2 ** 40,
  noiseSeed: 3,
  settings: { steps: 2, eta: 1, guidance: 5 },
  timesteps: [501, 1],
  latents: stackLatents(
    [1, 2, 3].map((value) => new Float32Array(4).fill(value)),
    [1, 2, 2],
  ),
  logProbabilities: Float64Array.of(-0.1, 0.25),
};

describe('a trajectory file', () => {
  it('comes back as it was written, with or without the outputs', () => {
    expect(parseTrajectory(serializeTrajectory(trajectory), 't')).toEqual(trajectory);
    const predictions = float32([2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const whole = { ...trajectory, predictions };
    expect(parseTrajectory(serializeTrajectory(whole), 't')).toEqual(whole);
    expect(latentsAt(trajectory, 2)).toEqual(Float32Array.of(3, 3, 3, 3));
  });

  it('keeps timesteps between whole ones', () => {
    const flow = { ...trajectory, timesteps: [1000, Math.fround(900.359)] };
    expect(parseTrajectory(serializeTrajectory(flow), 't')).toEqual(flow);
  });

  it('keeps steps without a density', () => {
    const flat = { ...trajectory, logProbabilities: Float64Array.of(Number.NaN, Number.NaN) };
    expect(parseTrajectory(serializeTrajectory(flat), 't')).toEqual(flat);
  });

  it('is refused when it is something else, or not whole', () => {
    const other = serializeSafetensors(new Map([['latents', trajectory.latents]]));
    expect(() => parseTrajectory(other, 't')).toThrow('t is no trajectory');
    const short = { ...trajectory, settings: { steps: 3, eta: 1, guidance: 5 } };
    expect(() => parseTrajectory(serializeTrajectory(short), 't')).toThrow('does not hold 3 steps');
    const format = 'darkroom-trajectory-1';
    const nameless = serializeSafetensors(new Map(), { format, sample: '{' });
    expect(() => parseTrajectory(nameless, 't')).toThrow('does not say what it is a sample of');
    const sample = JSON.stringify({
      ...trajectory,
      latents: undefined,
      logProbabilities: undefined,
    });
    const empty = serializeSafetensors(new Map([['timesteps', int64([2], [501, 1])]]), {
      format,
      sample,
    });
    expect(() => parseTrajectory(empty, 't')).toThrow('lacks "latents". Sample the image again.');
  });
});
