import { expect, it } from 'vitest';
import { policyManifestSchema } from '@/lib/policies';
import { presetsOf, settingsOf } from '@/lib/settings/presets';
import { suggestionsFor } from '@/trainer/rounds/imports/suggestions';

it('suggests Flow-GRPO’s numbers for a flow, and the official ones for a diffusion', () => {
  const suggested = (process: 'flow' | 'diffusion') => {
    const { presets, suggestedPreset = 'official' } = policyManifestSchema.parse(
      suggestionsFor('imported', process),
    );
    return settingsOf(presetsOf(presets)[suggestedPreset]!);
  };
  const flow = suggested('flow');
  expect(flow.sampling).toMatchObject({ eta: 0.7, guidanceScale: 4.5, inferenceSteps: 20 });
  expect(flow['diffusion-dpo'].beta).toBe(100);
  expect(suggested('diffusion').sampling).toMatchObject({ eta: 1, guidanceScale: 5 });
});
