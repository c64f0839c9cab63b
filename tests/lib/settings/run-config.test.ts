import { describe, expect, it } from 'vitest';
import { type Method, methodNames } from '@/lib/methods';
import { plainTerm } from '@/lib/rewards';
import { settingGroups } from '@/lib/settings/groups';
import { methodProblem, methodProblems } from '@/lib/settings/method-fit';
import {
  official,
  type Preset,
  presetFor,
  presetsOf,
  presetsSchema,
  settingsOf,
} from '@/lib/settings/presets';
import {
  completeConfig,
  imagesScored,
  parseRunConfig,
  preferencesWanted,
  presetConfig,
  type RunConfig,
  type RunConfigInput,
  samplesWanted,
} from '@/lib/settings/run-config';
import { defaultsOf, type Setting } from '@/lib/settings/setting';
import { handsPresets } from '@/trainer/hands/presets';

const presets = presetsOf(handsPresets);

const prompts = { prompts: ['1 hand'], evaluationPrompts: ['1 hand'] };

describe('parseRunConfig', () => {
  it("fills in the official code's settings", () => {
    // yk7333/d3po config/base.py.
    expect(parseRunConfig(prompts)).toMatchObject({
      sampling: { inferenceSteps: 20, eta: 1, guidanceScale: 5, groupSize: 7, sharedNoise: true },
      training: {
        learningRate: 3e-5,
        adamBeta1: 0.9,
        adamBeta2: 0.999,
        adamEpsilon: 1e-8,
        weightDecay: 1e-4,
        maxGradNorm: 1,
        innerEpochs: 1,
        noisiestShare: 1,
        timestepFraction: 1,
        loraRank: 4,
        trainables: 'attention',
        optimiserStep: 'pair',
      },
      d3po: {
        beta: 0.1,
        clipForm: 'hard',
        clipRange: 0.1,
        timestepWeighting: 'uniform',
        referencePolicy: 'round',
        guidanceInTraining: true,
      },
    });
  });

  it('has the official numbers of the methods that learn from finished images', () => {
    // SalesforceAIResearch/DiffusionDPO train.py, jacklishufan/diffusion-kto train_kto_sd_v1.5.py.
    expect(parseRunConfig(prompts)).toMatchObject({
      'diffusion-dpo': {
        beta: 5000,
        emptyPromptShare: 0.2,
        optimiserSteps: 2000,
        pairsPerStep: 2048,
      },
      kto: { beta: 1000, emptyPromptShare: 0.2, goodShare: 0.8, goodWeight: 1, badWeight: 1 },
    });
  });

  it('names every setting it refuses', () => {
    const broken = () =>
      parseRunConfig({
        prompts: [],
        evaluationPrompts: [' '],
        d3po: { beta: 'much', clipp: true },
        training: { loraRank: 2.5, trainables: 'everything' },
        sampling: { eta: -1 },
      });
    const names = ['prompts', 'evaluationPrompts.0', 'd3po.beta', 'clipp', 'training.loraRank'];
    for (const name of [...names, 'training.trainables', 'sampling.eta']) {
      expect(broken).toThrow(name);
    }
    expect(() => parseRunConfig(null)).toThrow('configuration');
  });

  it('takes back what it gave', () => {
    for (const preset of Object.values(presets)) {
      const config = presetConfig(preset, prompts);
      expect(parseRunConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }
  });
});

describe('completeConfig', () => {
  const complete = parseRunConfig(prompts);
  const { clipForm: _, timestepWeighting: __, ...former } = complete.d3po;

  it('knows what a clip that was on or off means now', () => {
    for (const [clip, clipForm] of [
      [true, 'hard'],
      [false, 'none'],
    ] as const) {
      const stored = { ...complete, d3po: { ...former, clip } } as unknown as RunConfig;
      const { d3po } = completeConfig(stored);
      expect(d3po).toEqual({ ...complete.d3po, clipForm });
    }
  });

  it('gives what the border takes back', () => {
    const { rewards: ___, ...rest } = complete;
    const stored = {
      ...rest,
      d3po: { ...former, clip: false },
      reward: { ...complete.reward, model: 'brightness' },
    } as unknown as RunConfig;
    const completed = completeConfig(stored);
    expect(parseRunConfig(completed)).toEqual(completed);
    expect(completed.rewards).toEqual([plainTerm('brightness')]);
  });
});

it.each(methodNames)('%s can run as its presets have it', (method) => {
  for (const preset of ['official', 'hands'] as const) {
    const config = presetConfig(presets[presetFor(method, preset, presets)]!, prompts);
    expect(methodProblem(method, 'single', config)).toBeNull();
  }
});

it('needs noise in the steps only where their probabilities are compared', () => {
  const sampled = (sharedNoise: boolean) =>
    parseRunConfig({ ...prompts, sampling: { eta: 0, sharedNoise } });
  expect(methodProblem('d3po', 'single', sampled(false))).toMatch(/with eta 0 there is no noise/);
  expect(methodProblem('nft', 'single', sampled(false))).toBeNull();
  // From one start, without noise on the way, two images are one.
  expect(methodProblem('nft', 'single', sampled(true))).toMatch(/Turn shared noise off/);
});

it('asks for a reward that knows its spread where the KL follows it', () => {
  const of = (rewards: RunConfigInput['rewards'], klBySpread: boolean) =>
    methodProblems(
      'draft-plus',
      'single',
      parseRunConfig({ ...prompts, rewards, 'draft-plus': { klBySpread } }),
    ).map(({ at }) => at);
  expect(of([{ model: 'brightness' }], true)).toEqual(['draft-plus.klBySpread']);
  expect(of([{ model: 'brightness' }, { model: 'picks-1' }], true)).toEqual([]);
  expect(of([{ model: 'brightness' }], false)).toEqual([]);
});

it('asks for one start where images are to differ by a part of their noise', () => {
  const of = (method: Method, sampling: RunConfigInput['sampling']) =>
    methodProblems(method, 'single', parseRunConfig({ ...prompts, sampling })).map(({ at }) => at);
  expect(of('fdfo', {})).toEqual([]);
  expect(of('fdfo', { eta: 0, sharedNoise: false })).toEqual(['sampling.eta']);
  expect(of('fdfo', { sharedNoise: false })).toEqual(['sampling.sharedNoise']);
  expect(of('d3po', { sharedNoise: false })).toEqual([]);
  expect(of('d3po', { sharedNoise: false, noiseWindow: 0.5 })).toEqual(['sampling.noiseWindow']);
  expect(of('d3po', { noiseWindow: 0.5 })).toEqual([]);
});

it('counts the images of draws: all steps of one see the same', () => {
  const config = parseRunConfig({
    ...prompts,
    reward: { optimiserSteps: 24, imagesPerStep: 8 },
    training: { innerEpochs: 2 },
    ddpo: { updatesPerDraw: 3 },
  });
  expect(imagesScored('draft', config)).toBe(24 * 8);
  // Four draws of 24 images, gone over twice.
  expect(imagesScored('ddpo', config)).toBe(96);
});

describe('settings', () => {
  const all = Object.values(settingGroups).flatMap((group): [string, Setting][] =>
    Object.entries(group),
  );

  it.each(all)('%s explains itself and its default lies in its range', (_, setting) => {
    expect(setting.label).not.toBe('');
    expect(setting.explanation).toMatch(/[.)]$/);
    if (setting.type === 'number') {
      expect(setting.default).toBeGreaterThanOrEqual(setting.min);
      expect(setting.default).toBeLessThanOrEqual(setting.max);
    }
    if (setting.type === 'choice') expect(Object.keys(setting.choices)).toContain(setting.default);
  });

  it('of a preset are the defaults with its departures', () => {
    expect(settingsOf(official).sampling).toEqual(defaultsOf(settingGroups.sampling));
    expect(settingsOf(handsPresets.hands).sampling).toEqual({
      ...defaultsOf(settingGroups.sampling),
      ...Object.fromEntries(
        Object.entries(handsPresets.hands.departures.sampling).map(([key, { value }]) => [
          key,
          value,
        ]),
      ),
    });
  });

  it('of a preset come back from a manifest as they went in, and what cannot be is refused by name', () => {
    expect(presetsSchema.parse(JSON.parse(JSON.stringify(handsPresets)))).toEqual(handsPresets);
    const { hands } = handsPresets;
    const refused = (preset: object, name = 'own') => presetsSchema.safeParse({ [name]: preset });
    const because = 'why';
    const wrong = [
      { training: { learningRate: { value: -1, because } } },
      { training: { trainables: { value: 'everything', because } } },
      { training: { colour: { value: 1, because } } },
      { elsewhere: { beta: { value: 1, because } } },
    ];
    for (const departures of wrong) {
      expect(refused({ ...hands, departures }).error?.issues).toHaveLength(1);
    }
    expect(refused({ ...hands, departures: wrong[0] }).error?.issues[0]?.path.join('.')).toBe(
      'own.departures.training.learningRate',
    );
    expect(refused(hands, 'official').error?.issues[0]?.message).toMatch(/choose another name/);
  });

  it('that went are left out of a preset that still names them', () => {
    const departures = {
      sampling: { eta: { value: 0.5, because: '' }, gone: { value: 1, because: '' } },
    };
    const { sampling } = settingsOf({ ...official, departures } as unknown as Preset);
    expect(sampling).toEqual({ ...defaultsOf(settingGroups.sampling), eta: 0.5 });
  });

  it('say how many images and answers a round wants', () => {
    const pairs = parseRunConfig({
      ...prompts,
      sampling: { pairsPerRound: 50 },
      labeling: { annotatorsPerPair: 2 },
    });
    expect([samplesWanted(pairs), preferencesWanted(pairs)]).toEqual([100, 100]);
    const groups = parseRunConfig({
      ...prompts,
      sampling: { pairSource: 'groups', groupsPerRound: 10 },
    });
    expect([samplesWanted(groups), preferencesWanted(groups)]).toEqual([70, 10]);
  });
});
