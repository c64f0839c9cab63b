/**
 * @file What people said of a pipeline's images, in the form a reward model learns from: statements
 * with soft labels.
 */

import type { LearnedSource } from '@/lib/rewards';
import type { Proportion } from '@/lib/statistics/proportion';
import { labelOf } from '@/lib/training/archive';
import { allPairs, pairsFromTags } from '@/lib/training/pairing';
import { type Archive, readArchive, votesIn } from '../answers/archive';
import { groupBy, preferredIn } from '../answers/standing-answers';
import { samplesById } from '../rounds/samples';
import type { Sample } from '../schema/labels';

/** An image that people judged. */
export type RewardImage = Pick<Sample, 'id' | 'prompt' | 'imageBlob'>;

/**
 * People compared `first` with `second`, and `label` is the share of them that preferred the first,
 * a tie counting half; or they judged `first` by itself (`second` null), 1 for good and 0 for bad.
 */
export interface SaidOfImages<Image = RewardImage> {
  first: Image;
  second: Image | null;
  label: number;
  /** How many examples of that prompt there are shares its weight. */
  weight: number;
  /** Statements of one group share images. */
  group: string;
}

export interface Statements {
  statements: SaidOfImages[];
  /** People whose answers these are. */
  annotators: number;
  /** Of two people who both preferred a side of one pair: how often it was the same. */
  ceiling: Proportion;
}

/**
 * What a reward model of this source learns from: all standing answers to a pipeline's training
 * pairs and taggings of its groups, for 'flags' also people's flags, that could no longer be undone
 * at the instant `until` (ms), by people who are not paused. Gold and evaluation pairs are none of
 * them, nor is anything that a judge said. Always in the same order.
 */
export async function statementsOf(
  pipeline: string,
  source: LearnedSource,
  until: number,
): Promise<Statements> {
  const archive = await readArchive(pipeline, until);
  const said =
    source === 'picks' ? [...picksIn(archive), ...tagsIn(archive)] : imageLabelsIn(archive);
  const ids = new Set(said.flatMap(({ first, second }) => (second ? [first, second] : [first])));
  const images = new Map((await samplesById([...ids])).map((sample) => [sample.id, sample]));
  const image = (id: string) => images.get(id) as RewardImage;
  const statements = said.map((one) => ({
    ...one,
    first: image(one.first),
    second: one.second === null ? null : image(one.second),
  }));
  const perPrompt = new Map<string, number>();
  for (const { first } of statements) {
    perPrompt.set(first.prompt, (perPrompt.get(first.prompt) ?? 0) + 1);
  }
  return {
    statements: statements.map((one) => ({
      ...one,
      weight: one.weight / (perPrompt.get(one.first.prompt) as number),
    })),
    annotators: peopleIn(archive, source),
    ceiling: ceilingOf(archive),
  };
}

type Said = SaidOfImages<string>;

function picksIn({ answers }: Archive): Said[] {
  return [...groupBy(answers, ({ pair }) => pair.id).values()].map((own) => {
    const { pair } = own[0]!;
    const shares = own.map((answer) => {
      const preferred = preferredIn(answer);
      return preferred === null ? 0.5 : Number(preferred === pair.sampleAId);
    });
    const label = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return { first: pair.sampleAId, second: pair.sampleBId, label, weight: 1, group: pair.id };
  });
}

function tagsIn({ taggings, members }: Archive): Said[] {
  return [...groupBy(taggings, ({ tagging }) => tagging.groupId)].flatMap(([groupId, own]) => {
    const tags = own.map(({ tagging }) => tagging.taggedSampleIds);
    return pairsFromTags(members.get(groupId) ?? [], tags, 'agreement').map((pair) => ({
      first: pair.winnerSampleId,
      second: pair.loserSampleId,
      label: 1,
      weight: pair.weight,
      group: groupId,
    }));
  });
}

function imageLabelsIn(archive: Archive): Said[] {
  const votes = votesIn(archive);
  return [...votes.keys()].sort().flatMap((id) => {
    const label = labelOf(votes.get(id) as NonNullable<ReturnType<typeof votes.get>>);
    return label
      ? [{ first: id, second: null, label: Number(label === 'good'), weight: 1, group: id }]
      : [];
  });
}

function ceilingOf({ answers }: Archive): Proportion {
  let [count, n] = [0, 0];
  for (const own of groupBy(answers, ({ pair }) => pair.id).values()) {
    const preferred = own.map(preferredIn).filter((id) => id !== null);
    for (const [one, other] of allPairs(preferred)) {
      n++;
      if (one === other) count++;
    }
  }
  return { count, n };
}

function peopleIn({ answers, taggings, flags }: Archive, source: LearnedSource): number {
  const ids = [
    ...answers.map(({ preference }) => preference.annotatorId),
    ...taggings.map(({ tagging }) => tagging.annotatorId),
    ...(source === 'flags' ? flags.map(({ annotatorId }) => annotatorId) : []),
  ];
  return new Set(ids).size;
}
