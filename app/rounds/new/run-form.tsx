'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type Method, methodNames, methods, sourceOf } from '@/lib/methods';
import { policyManifestSchema } from '@/lib/policies';
import type { RunMode } from '@/lib/runs';
import { servingSentence } from '@/lib/serving';
import { type GroupName, groupsOf, type RunSettings } from '@/lib/settings/groups';
import { policyDetailSchema } from '../../api/policies/schema';
import { type StartRun, startedRunSchema } from '../../api/runs/schema';
import { plural } from '../../components/figures/format';
import { browserStorage } from '../../components/storage/browser-storage';
import { Button } from '../../components/ui/button';
import { Card, CardHeading } from '../../components/ui/card';
import { Field, Input } from '../../components/ui/field';
import { FormError } from '../../components/ui/form-error';
import { Select } from '../../components/ui/select';
import { send } from '../../http/send';
import type { PipelineChoice } from './pipelines';
import { PromptsField } from './prompts-field';
import { RewardsField } from './rewards-field';
import {
  checkDraft,
  keptDraft,
  type Problems,
  type RunDraft,
  type StartingPolicy,
  startingFrom,
  type Typed,
  typedReward,
  typedSettings,
  withMethod,
} from './run-draft';
import { MethodNeeds, RunSummary } from './run-summary';
import { SettingsSection } from './settings-section';
import { SizeField } from './size-field';
import { usePromptCuts } from './use-prompt-cuts';

const modeOptions: { value: RunMode; label: string; hint: string }[] = [
  { value: 'online', label: 'Online run', hint: 'The next round starts by itself.' },
  { value: 'single', label: 'Single round', hint: 'One round, then done.' },
];

const methodOptions = methodNames.map((method) => ({
  value: method,
  label: methods[method].label,
  hint: methods[method].explanation,
}));

interface AskedRun {
  pipeline: string;
  start: StartingPolicy | undefined;
}

/** Sets up a run: what to train, on what, how; with what it amounts to beside it. */
export function RunForm({
  pipelines,
  trainerAlive,
  asked,
}: {
  pipelines: PipelineChoice[];
  trainerAlive: boolean;
  /** What a link asked for, in place of what was typed before. */
  asked: AskedRun | null;
}) {
  const router = useRouter();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState(() => askedDraft(pipelines, asked));
  const [tried, setTried] = useState(false);
  const [isKept, forget] = useKept(draft, setDraft, pipelines, asked !== null);
  const pipeline = pipelines.find((one) => one.pipeline === draft.pipeline) ?? pipelines[0]!;
  const { presets, sizes } = pipeline;
  // Left empty, a run is called as the field says.
  const name = draft.name.trim() || (pipeline.suggestedRunName ?? '');
  const { request, problems } = useMemo(
    () => checkDraft({ ...draft, name }, sizes),
    [draft, name, sizes],
  );
  const preview = useMemo(
    () => checkDraft({ ...draft, name: name || 'unnamed' }, sizes),
    [draft, name, sizes],
  );
  // Kept while a field is half typed, so that the column beside the form does not jump.
  const [summarized, summarize] = useState(preview.request);
  if (preview.request && preview.request !== summarized) summarize(preview.request);
  const preset = presets[draft.preset]!;
  const presetSettings = useMemo(() => typedSettings(preset), [preset]);
  const wrong = Object.keys(problems).length;
  const promptCuts = usePromptCuts(draft.pipeline, draft.prompts);
  const evaluationPromptCuts = usePromptCuts(draft.pipeline, draft.evaluationPrompts);

  const start = useMutation({
    mutationFn: (body: StartRun) => send('POST', '/api/runs', startedRunSchema, body),
    onSuccess: ({ roundId }) => {
      forget();
      router.push(`/rounds/${roundId}`);
    },
  });

  const change = (part: Partial<RunDraft>) => setDraft((old) => ({ ...old, ...part }));
  const changeSetting = (group: GroupName, key: string, value: Typed) =>
    setDraft((old) => ({
      ...old,
      settings: { ...old.settings, [group]: { ...old.settings[group], [key]: value } },
    }));

  function startFrom(startPolicyId: string) {
    change({ startPolicyId });
    if (startPolicyId === '') return;
    void startingPolicy(startPolicyId).then((start) =>
      // Unless another was chosen meanwhile.
      setDraft((now) => (now.startPolicyId === start.id ? startingFrom(now, start) : now)),
    );
  }

  function submit() {
    setTried(true);
    if (request && wrong === 0) return start.mutate(request);
    // After the sections with problems have opened.
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(),
    );
  }

  return (
    <form
      ref={form}
      noValidate
      className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className="flex min-w-0 flex-col gap-6">
        <Card>
          <div className="flex flex-wrap items-start justify-between gap-x-4">
            <CardHeading title="What to train" />
            {isKept ? (
              <Button
                size="small"
                look="quiet"
                onClick={() => {
                  forget();
                  setTried(false);
                  setDraft(firstDraft(pipelines[0]!));
                }}
              >
                Start over
              </Button>
            ) : null}
          </div>
          <div className="grid items-start gap-5 sm:grid-cols-2">
            <Field label="Name" error={tried || draft.name ? problems.name : null}>
              <Input
                value={draft.name}
                maxLength={80}
                placeholder={pipeline.suggestedRunName ?? 'A name for the run'}
                onChange={(event) => change({ name: event.target.value })}
              />
            </Field>
            <Field label="Mode">
              <Select
                label="Mode"
                value={draft.mode}
                options={modeOptions}
                onChange={(mode) => change({ mode })}
              />
            </Field>
            <Field label="Pipeline" help={pipeline.description}>
              <Select
                label="Pipeline"
                value={draft.pipeline}
                options={pipelines.map((one) => ({ value: one.pipeline, label: one.pipeline }))}
                onChange={(value) =>
                  setDraft((old) => ({
                    ...firstDraft(pipelines.find((one) => one.pipeline === value) ?? pipeline),
                    name: old.name,
                    mode: old.mode,
                  }))
                }
              />
            </Field>
            <Field label="Start from" help="The policy that draws the first round's images.">
              <Select
                label="Start from"
                value={draft.startPolicyId}
                options={[
                  {
                    value: '',
                    label: `The policy served: ${pipeline.servingName ?? 'none yet'}`,
                  },
                  ...pipeline.policies.map(({ id, name }) => ({ value: id, label: name })),
                ]}
                onChange={startFrom}
              />
            </Field>
            <Field label="Method" help={methods[draft.method].explanation}>
              <Select<Method>
                label="Method"
                value={draft.method}
                options={methodOptions}
                onChange={(method) => setDraft((old) => withMethod(old, method, presets))}
              />
            </Field>
            <Field label="Preset" help={preset.explanation}>
              <Select
                label="Preset"
                value={draft.preset}
                options={Object.entries(presets).map(([name, { label, explanation }]) => ({
                  value: name,
                  label,
                  hint: explanation,
                }))}
                onChange={(name) =>
                  change({ preset: name, settings: typedSettings(presets[name]!) })
                }
              />
            </Field>
            <SizeField
              sampling={draft.settings.sampling}
              sizes={sizes}
              measured={pipeline.measuredSizes}
              onChange={(size) => {
                changeSetting('sampling', 'imageWidth', String(size?.width ?? 0));
                changeSetting('sampling', 'imageHeight', String(size?.height ?? 0));
              }}
            />
          </div>
        </Card>

        {sourceOf(draft.method) !== 'reward' ? null : (
          <RewardsField
            rewards={draft.rewards}
            models={pipeline.rewardModels}
            problems={tried ? problems : withoutChoice(problems)}
            onChange={(rewards) => change({ rewards })}
          />
        )}

        <Card>
          <CardHeading title="Prompts">One a line.</CardHeading>
          <div className="grid items-start gap-5 sm:grid-cols-2">
            <PromptsField
              label="To draw from"
              value={draft.prompts}
              suggested={pipeline.suggestedPrompts}
              problem={problems['config.prompts']}
              cut={promptCuts}
              onChange={(prompts) => change({ prompts })}
            />
            <PromptsField
              label="Only to measure"
              value={draft.evaluationPrompts}
              suggested={pipeline.suggestedEvaluationPrompts}
              problem={problems['config.evaluationPrompts']}
              cut={evaluationPromptCuts}
              onChange={(evaluationPrompts) => change({ evaluationPrompts })}
            />
            <Field
              label="Seed"
              help="The same seed, policy and answers make the same result again."
              error={problems['config.seed']}
            >
              <Input
                inputMode="numeric"
                autoComplete="off"
                value={draft.seed}
                onChange={(event) => change({ seed: event.target.value })}
              />
            </Field>
          </div>
        </Card>

        <Card className="py-2">
          <h2 className="sr-only">Settings</h2>
          {groupsOf(draft.method).map((group) => (
            <SettingsSection
              key={group}
              group={group}
              draft={draft}
              preset={preset}
              presetSettings={presetSettings}
              problems={problems}
              onChange={changeSetting}
            />
          ))}
        </Card>
      </div>

      <Card className="flex flex-col gap-5 lg:sticky lg:top-20">
        <h2 className="font-semibold text-base">One round of this run</h2>
        {summarized ? (
          <RunSummary request={summarized} alive={trainerAlive} />
        ) : (
          <p className="text-muted-foreground text-sm">Give the run prompts to draw.</p>
        )}
        <MethodNeeds method={draft.method} />
        <p className="text-sm">{servingSentence({ mode: draft.mode, rule: servingRule(draft) })}</p>
        <FormError error={start.error} />
        {tried && wrong > 0 ? (
          <p role="alert" className="text-destructive text-sm">
            {plural(wrong, 'field needs', 'fields need')} another value.
          </p>
        ) : null}
        <Button type="submit" look="primary" size="large" busy={start.isPending || start.isSuccess}>
          Start the run
        </Button>
      </Card>
    </form>
  );
}

const storage = browserStorage(() => window.sessionStorage);
const keptName = 'darkroom.run-draft';

/**
 * Keeps what is typed through a reload, until the run is started or the tab closed. Returns whether
 * anything was kept, and what forgets it.
 */
function useKept(
  draft: RunDraft,
  restore: (draft: RunDraft) => void,
  pipelines: readonly PipelineChoice[],
  isAsked: boolean,
): [isKept: boolean, forget: () => void] {
  const first = useRef(JSON.stringify(draft));
  const [isKept, setKept] = useState(false);
  // The server knows nothing of it: what was kept takes its place once the page stands.
  useEffect(() => {
    if (isAsked) return;
    const presetsOf = (name: string) =>
      pipelines.find(({ pipeline }) => pipeline === name)?.presets;
    const kept = keptDraft(storage.read(keptName), presetsOf);
    if (!kept) return;
    restore(kept);
    setKept(true);
  }, [restore, pipelines, isAsked]);
  useEffect(() => {
    const text = JSON.stringify(draft);
    if (text === first.current) return;
    storage.write(keptName, text);
    setKept(true);
  }, [draft]);
  const forget = () => {
    storage.remove(keptName);
    setKept(false);
  };
  return [isKept, forget];
}

/** Nobody is told that a reward is missing before they have tried to start. */
function withoutChoice(problems: Problems): Problems {
  return Object.fromEntries(
    Object.entries(problems).filter(([path]) => !/^config\.rewards\.\d+\.model$/.test(path)),
  );
}

/** A choice is one of the rules whenever the form has it. */
function servingRule({ settings }: RunDraft) {
  return settings.serving.rule as RunSettings['serving']['rule'];
}

/** What a link asked for, where there is such a pipeline and policy. */
function askedDraft(pipelines: readonly PipelineChoice[], asked: AskedRun | null): RunDraft {
  const choice = pipelines.find(({ pipeline }) => pipeline === asked?.pipeline);
  if (!choice) return firstDraft(pipelines[0]!);
  const draft = firstDraft(choice);
  const { start } = asked!;
  if (!start || choice.policies.every(({ id }) => id !== start.id)) return draft;
  return startingFrom(draft, start);
}

/** What is asked of a policy that was chosen by hand; one that cannot be read asks nothing. */
async function startingPolicy(id: string): Promise<StartingPolicy> {
  const detail = await send('GET', `/api/policies/${id}`, policyDetailSchema).catch(() => null);
  const manifest = policyManifestSchema.safeParse(detail?.manifest);
  return { id, trained: manifest.data?.config?.training };
}

function firstDraft(choice: PipelineChoice): RunDraft {
  return {
    name: '',
    mode: 'online',
    method: 'd3po',
    pipeline: choice.pipeline,
    startPolicyId: '',
    preset: choice.suggestedPreset,
    prompts: choice.suggestedPrompts.join('\n'),
    evaluationPrompts: choice.suggestedEvaluationPrompts.join('\n'),
    seed: '0',
    // A learned one: it is what people of this installation care for. A formula is nobody's aim,
    // so it is never chosen for anybody.
    rewards: [typedReward(choice.rewardModels[0]?.id ?? '')],
    settings: typedSettings(choice.presets[choice.suggestedPreset]!),
  };
}
