/**
 * @file The report of figure `confirmation`. Figure `diversity` chose its settings by looking at
 * its own first seed, and among its sixteen intervals some leave 0 out by chance; this one asks a
 * single question, fixed before its seeds were drawn.
 */
import type { Bench } from '../bench';
import {
  alignmentOf,
  alongTheWay,
  confirmedSettings,
  type DiversityResult,
  diversityOf,
  endOf,
  gainsOf,
  isKnown,
  type Read,
  type Setting,
  unitsOf,
} from '../diversity/curves';
import { equalReward, tellGains } from '../diversity/report';
import { rewardOf, seedsText, type Told, table } from '../figure';

export function tellConfirmation(
  result: DiversityResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const settings = confirmedSettings(sizes);
  const [free, asked, beside] = settings as [Setting, Setting, Setting];
  const gains = (setting: Setting, read: Read = diversityOf) =>
    alongTheWay(gainsOf(result, setting, read));
  const ahead = (setting: Setting) => gains(setting).filter((gain) => Number(gain) > 0).length;
  const known = (values: readonly (number | null)[]) => values.filter(isKnown);
  const columns: [string, (number | null)[], digits?: number][] = [
    ...settings.map((setting): [string, number[], number] => [
      `reward of ${setting.name} at the end`,
      unitsOf(result, setting).map(endOf).map(rewardOf),
      2,
    ]),
    [`diversity of ${free.name} at the end`, unitsOf(result, free).map(endOf).map(diversityOf)],
    ...[asked, beside].flatMap((setting): [string, (number | null)[]][] => [
      [`diversity of ${setting.name} over DRaFT`, gains(setting)],
      [`alignment of ${setting.name} over DRaFT`, gains(setting, alignmentOf)],
    ]),
  ];
  const text = `Settings as in figure \`diversity\` of the suite, seeds ${seeds[0]} to ${seeds.at(-1)}. The question, fixed before any of them was run: at equal reward,
averaged over its evaluations, is the diversity (LPIPS) of ${asked.name} above DRaFT's? ${beside.name} is reported beside it.

**${asked.name}: ${seedsText(known(gains(asked)))}**, above 0 with ${ahead(asked)} of ${seeds.length} seeds. ${beside.name}: ${seedsText(known(gains(beside)))}, above 0 with ${ahead(beside)} of ${seeds.length}.

${equalReward} Seed by seed:

${table(
  ['seed', ...columns.map(([head]) => head)],
  [
    ...seeds.map((seed, i) => [
      String(seed),
      ...columns.map(([, values, digits = 3]) => values[i]?.toFixed(digits) ?? '–'),
    ]),
    ['all', ...columns.map(([, values, digits]) => seedsText(known(values), digits))],
  ],
)}

The difference in diversity evaluation by evaluation, and the reward at which DRaFT is met:

${tellGains(result, settings, sizes)}`;
  return { text, files: {} };
}
