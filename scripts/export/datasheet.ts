/**
 * @file A datasheet of an exported set under the headings of Gebru et al., Datasheets for Datasets
 * (arXiv 1803.09010). It says what the database knows, and names what only its makers know.
 */
import type { Facts } from '@/db/exchange/raw-answers';

const unknown = 'not known to Darkroom; whoever publishes the set says it here.';
const open = `${unknown[0]!.toUpperCase()}${unknown.slice(1)}`;
const number = (count: number) => count.toLocaleString('en');
const day = (ms: number | null) =>
  ms === null ? 'never' : new Date(ms).toISOString().slice(0, 10);
const listOf = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `- ${name}: ${number(count)}`)
    .join('\n');

export function datasheet(facts: Facts): string {
  const { answers, images, imported, withLatents, samplers } = facts;
  const all = [...answers.values()].reduce((sum, one) => sum + one, 0);
  const drawn = samplers
    .map(
      ({ inferenceSteps, eta, guidanceScale }) =>
        `- ${inferenceSteps} steps, eta ${eta}, guidance ${guidanceScale}`,
    )
    .join('\n');
  return `# Datasheet

## Motivation

${open}

## Composition

${number(all)} answers to ${number(facts.pairs)} pairs of ${number(images)} images of ${number(facts.prompts)} prompts. An instance is one
answer of one person to one pair. By answer:

${listOf(answers) || '- none'}

Of the images ${number(images - imported)} were drawn by Darkroom and ${number(imported)} imported; ${number(withLatents)} have latents. What drew them:

${listOf(facts.models) || '- nothing'}

Answers that were taken back are not here. People are named by numbers that cannot be turned back without the database. Whether
images or prompts show or name persons: ${unknown}

## Collection process

${number(facts.people)} people answered, from ${day(facts.firstAt)} to ${day(facts.lastAt)}.
${images > imported ? own(drawn) : ''}${imported > 0 ? `\nHow the answers to imported images were collected: ${unknown} One without a\ntime counts as given when it was imported.\n` : ''}
Who the people were, how they were found and paid, what they were told and whether they consented: ${unknown}

## Preprocessing, cleaning, labeling

Images that Darkroom drew are as drawn. Imported images were fitted to the size of the pipeline that they were imported to, as
8-bit RGB in PNG. Labels of 0.5 stand for a tie and for both bad; \`answer\` tells them apart. Answers of people who are held back and
to gold pairs are left out unless they were asked for.

## Uses

${open}

## Distribution

${open}

## Maintenance

${open}
`;
}

function own(drawn: string): string {
  return `
To images of Darkroom's own rounds: two images of one prompt stood side by side; which stood left was drawn, and nothing told
which policy had drawn which. People chose left, right, tie or both bad, and could take an answer back for a while. The images
were drawn with:

${drawn}
`;
}
