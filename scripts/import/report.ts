/** @file What an import says of itself: what came in, what was made of it, what was left out. */
import { promptCutText } from '@/lib/text/prompt-cuts';
import { type Alteration, alterations } from './fit-image';
import type { D3poReport } from './import-d3po';
import type { ImportReport } from './import-file';
import { rowsOf } from './problems';

export type Told = [mark: '✓' | '·' | '!', name: string, text: string];

const alterationWords: Record<Alteration, string> = {
  converted: 'converted to 8-bit RGB in PNG',
  turned: 'turned as their camera says',
  flattened: 'transparent in places, now white',
  scaled: 'scaled',
  cropped: 'cropped',
  padded: 'padded with black',
};

/** Lines for people: nothing is done to a row or an image without a word. */
export function toldReport(report: ImportReport): Told[] {
  const { added, known, people, unnamed, untimed } = report;
  const told: Told[] = [
    ['✓', 'imported', `${added} answers of ${people} people; ${known} were known already`],
  ];
  if (unnamed > 0) {
    told.push(['·', 'people', `${rowsOf(unnamed)} without a user_id count as different people`]);
  }
  const { missing, unread, example } = untimed;
  if (missing > 0) told.push(['·', 'time', `${rowsOf(missing)} without a created_at`]);
  if (example) {
    const first = `${report.unit} ${example.line}: ${example.written}`;
    const many = unread === 1 ? 'its' : 'their';
    told.push([
      '!',
      'time',
      `${rowsOf(unread)} came in without ${many} time, as created_at is none that can be read (${first})`,
    ]);
  }
  const cut = promptCutText(report.cuts, report.prompts);
  if (cut) told.push(['!', 'prompts', cut]);
  told.push(...toldImages(report));
  const left: [number, string][] = [
    [report.unlabeled, 'without a label'],
    [report.otherPurpose, 'on gold or evaluation pairs'],
    [report.heldBack, 'of people whose answers are held back'],
  ];
  for (const [count, which] of left) {
    if (count > 0) told.push(['·', 'left out', `${rowsOf(count)} ${which}`]);
  }
  if (report.problems.length > 0) {
    told.push(['!', 'left out', `${rowsOf(report.problems.length)} that cannot be imported:`]);
  }
  return told;
}

/** The same of taggings that came from D3PO's own label files. */
export function toldD3po(report: D3poReport): Told[] {
  const { added, known, groups, people, alike, graded, problems } = report;
  const told: Told[] = [
    [
      '✓',
      'imported',
      `${added} taggings of ${groups} groups by ${people} people; ${known} were known already`,
    ],
  ];
  if (graded > 0) {
    const many = graded === 1 ? '1 reading has' : `${graded} readings have`;
    const what = 'more than two scores: images below their mean count as bad';
    told.push(['!', 'scores', `${many} ${what}`]);
  }
  told.push(...toldImages(report));
  if (alike > 0) {
    told.push(['·', 'left out', `${alike} readings that give all images of a group one score`]);
  }
  if (problems.length > 0) told.push(['!', 'left out', 'groups that cannot be imported:']);
  return told;
}

function toldImages(report: Pick<ImportReport, 'images' | 'altered' | 'alterations'>): Told[] {
  const { images, altered } = report;
  if (altered === 0) return [];
  const done = alterations.flatMap((one) => {
    const count = report.alterations[one];
    return count ? [`${count} ${alterationWords[one]}`] : [];
  });
  return [['·', 'images', `${altered} of ${images} were altered: ${done.join(', ')}`]];
}
