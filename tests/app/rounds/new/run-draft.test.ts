import { describe, expect, it } from 'vitest';
import {
  checkDraft,
  keptDraft,
  linesOf,
  type RunDraft,
  startingFrom,
  typedReward,
  typedSettings,
  withMethod,
} from '@/app/rounds/new/run-draft';
import { methodNames } from '@/lib/methods';
import { official, presetsOf } from '@/lib/settings/presets';
import { presetConfig } from '@/lib/settings/run-config';
import { handsPresets } from '@/trainer/hands/presets';

const presets = presetsOf(handsPresets);

const draft: RunDraft = {
  name: 'Five fingers',
  mode: 'online',
  method: 'd3po',
  pipeline: 'hands',
  startPolicyId: '',
  preset: 'hands',
  prompts: '1 hand\n\n  2 hands  \n',
  evaluationPrompts: '3 hands',
  seed: '7',
  rewards: [typedReward('symmetry')],
  settings: typedSettings(handsPresets.hands),
};

function withSetting(key: string, value: string): RunDraft {
  return {
    ...draft,
    settings: { ...draft.settings, training: { ...draft.settings.training, [key]: value } },
  };
}

describe('checkDraft', () => {
  it('turns an untouched form into the preset, and nothing else', () => {
    const { request } = checkDraft(draft);
    expect(request?.config).toEqual(
      presetConfig(handsPresets.hands, {
        prompts: ['1 hand', '2 hands'],
        evaluationPrompts: ['3 hands'],
        seed: 7,
      }),
    );
    expect(request).not.toHaveProperty('startPolicyId');
  });

  it('reads numbers as people write them', () => {
    expect(
      checkDraft(withSetting('learningRate', ' 3e-4 ')).request?.config.training,
    ).toMatchObject({ learningRate: 3e-4 });
  });

  it.each(['', 'fast', '1,5'])('refuses %j where a number is needed', (value) => {
    const { request, problems } = checkDraft(withSetting('learningRate', value));
    expect(request).toBeNull();
    expect(problems).toEqual({
      'config.training.learningRate': 'A number from 1e-9 to 1 is needed here.',
    });
  });

  it('says what is out of range, and where', () => {
    const { problems } = checkDraft(withSetting('loraRank', '0'));
    expect(problems).toEqual({
      'config.training.loraRank': 'A whole number from 1 to 256 is needed here.',
    });
  });

  it('asks for a name and for prompts', () => {
    const { problems } = checkDraft({ ...draft, name: ' ', prompts: '\n', seed: '-1' });
    expect(problems).toMatchObject({
      name: 'A run needs a name.',
      'config.prompts': 'A run needs at least one prompt.',
    });
    expect(problems).toHaveProperty(['config.seed']);
  });
});

it('says all at once, each at its field, what fits neither the form nor the method', () => {
  const still = {
    ...withMethod(draft, 'ddpo', presets),
    name: '',
    mode: 'online' as const,
    rewards: [typedReward('')],
  };
  const { settings } = still;
  settings.sampling = { ...settings.sampling, eta: '0', inferenceSteps: '500' };
  const { problems } = checkDraft(still);
  expect(problems).toMatchObject({
    name: 'A run needs a name.',
    'config.sampling.inferenceSteps': 'A whole number from 1 to 200 steps is needed here.',
    'config.rewards.0.model': 'Choose what images are scored by.',
  });
  settings.sampling.inferenceSteps = '5';
  const all = checkDraft(still).problems;
  expect(Object.keys(all).sort()).toEqual([
    'config.rewards.0.model',
    'config.sampling.eta',
    'config.serving.maxRounds',
    'name',
  ]);
  // Words of the form: no path, no name in code.
  for (const says of Object.values(all)) expect(says).not.toMatch(/[a-z]\.[a-z]|[a-z][A-Z]|[<>]=/);
});

it('needs no reward where nothing is scored', () => {
  expect(checkDraft({ ...draft, rewards: [typedReward('')] }).problems).toEqual({});
});

it('stands again after a reload as it was typed, where it still fits', () => {
  const typed = withSetting('loraRank', '9');
  const kept = (text: string | null) =>
    keptDraft(text, (pipeline) => (pipeline === draft.pipeline ? presets : undefined));
  expect(kept(JSON.stringify(typed))).toEqual(typed);
  expect(kept(null)).toBeNull();
  expect(kept('{"name":')).toBeNull();
  expect(kept(JSON.stringify({ ...typed, pipeline: 'gone' }))).toBeNull();
  // A setting that came since, and one that went.
  const { loraAlpha: _, ...training } = typed.settings.training;
  const older = { ...typed.settings, training: { ...training, gone: '1' } };
  expect(kept(JSON.stringify({ ...typed, settings: older }))).toEqual(typed);
});

describe('withMethod', () => {
  const changed = (from: RunDraft, group: 'training' | 'labeling', key: string, value: string) => ({
    ...from,
    settings: { ...from.settings, [group]: { ...from.settings[group], [key]: value } },
  });

  it('takes the preset of the pipeline that suits the method', () => {
    expect(withMethod(draft, 'draft', presets)).toEqual({
      ...draft,
      method: 'draft',
      mode: 'single',
      preset: 'hands-reward',
      settings: typedSettings(handsPresets['hands-reward']),
    });
    expect(withMethod(draft, 'spo', presets).preset).toBe('hands-policy-gradient');
    expect(withMethod(withMethod(draft, 'kto', presets), 'd3po', presets).settings).toEqual(
      draft.settings,
    );
  });

  it('never takes the settings of one pipeline to another', () => {
    const alone = presetsOf(undefined);
    const settings = typedSettings(official);
    const elsewhere = { ...draft, pipeline: '/models/other', preset: 'official', settings };
    for (const method of methodNames) {
      const moved = withMethod(elsewhere, method, alone);
      expect([moved.preset, moved.settings]).toEqual(['official', settings]);
    }
  });

  it('keeps what somebody has typed', () => {
    const typed = changed(changed(draft, 'training', 'loraRank', '9'), 'labeling', 'x', '');
    const { training } = withMethod(typed, 'draft', presets).settings;
    expect(training).toEqual({
      ...typedSettings(handsPresets['hands-reward']).training,
      loraRank: '9',
    });
  });
});

describe('presets', () => {
  it('are offered where they belong', () => {
    expect(presetsOf(undefined)).toEqual({ official });
    expect(Object.keys(presets)).toEqual(['official', ...Object.keys(handsPresets)]);
  });
});

describe('linesOf', () => {
  it('keeps the lines that hold something', () => {
    expect(linesOf('a\r\n\n b \n')).toEqual(['a', 'b']);
  });
});

it('starts from a policy with the weights that it has, and from a base with any', () => {
  const trained = { trainables: 'attention-ff-conv', loraRank: 7, loraAlpha: 3.5 };
  const started = startingFrom(draft, { id: 'p', trained });
  const { request, problems } = checkDraft(started);
  expect(problems).toEqual({});
  expect(request).toMatchObject({ startPolicyId: 'p', config: { training: trained } });
  const ofBase = startingFrom(draft, { id: 'base', trained: undefined });
  expect(ofBase).toEqual({ ...draft, startPolicyId: 'base' });
});
