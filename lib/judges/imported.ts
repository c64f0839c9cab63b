/**
 * Judges that are taken over from npm packages: what each measures, what its networks have seen,
 * from where on something counts and who says so.
 */
import { AppError } from '../errors';
import type { DeclaredJudge, Measure } from './judging';
import { type JudgePart, type PartKind, partKinds } from './parts';

export interface PartSetting {
  label: string;
  /** What it decides, and where its default comes from. */
  explanation: string;
  default: number;
  min: number;
  max: number;
}

export interface ImportedJudge {
  label: string;
  /** The package that brings the networks, at the version whose numbers were compared. */
  package: string;
  version: string;
  licence: string;
  /** What the networks were trained on, as far as their makers say. */
  trainedOn: string;
  /** What it does not see. */
  limits: string;
  measures: readonly Measure[];
  settings: Readonly<Record<string, PartSetting>>;
}

export const importedJudges: Readonly<Record<PartKind, ImportedJudge>> = {
  hands: {
    label: 'Hands',
    package: '@vladmandic/human',
    version: '3.3.6',
    licence: 'MIT; the landmark network is MediaPipe’s, Apache 2.0',
    trainedOn:
      'Photographs and rendered hands (MediaPipe Hands, arXiv 2006.10214). The detector that looks for hands first comes from handtrack.js, whose first version was trained on photographs seen through glasses (EgoHands); of this one the package does not say. Neither was made for drawn images, nor for those that a model made: on drawn hands they agreed with the truth no more than chance would (docs/judges.md).',
    limits:
      'It counts no fingers: a hand is bad where the landmark network does not take what was found for a hand, or finds fingers that no hand has. Landmarks are laid through whatever is shown, so impossible ones are rare, and many bad hands are missed. Which prompts ask for a hand is read from English words.',
    measures: [
      {
        kind: 'defect',
        id: 'bad-hand',
        label: 'Bad hands',
        explanation: 'More hands are not recognized as such, or have impossible fingers.',
        finding: 'bad hand',
        lookedFor: 'a hand that is none, or has impossible fingers',
        countsAs: 'hand',
      },
      {
        kind: 'defect',
        id: 'no-hand',
        label: 'Hands missing',
        explanation: 'More prompts ask for a hand, and none is found.',
        finding: 'no hand found',
        lookedFor: 'no hand where the prompt asks for one',
        countsAs: null,
      },
    ],
    settings: {
      detection: {
        label: 'Found from',
        explanation: 'How sure the detector is that something is a hand; 0.5 as in Human.',
        default: 0.5,
        min: 0.05,
        max: 0.95,
      },
      presence: {
        label: 'Recognized from',
        explanation:
          'How sure the landmark network is that it was shown a hand; 0.5 as in MediaPipe’s Hand Landmarker.',
        default: 0.5,
        min: 0.05,
        max: 0.95,
      },
      stretch: {
        label: 'Longest finger',
        explanation:
          'How many times as long or as short as usual a finger may be, beside the middle one. Their lengths vary by 6 to 11 % (Chatzıoglou et al. 2024, doi 10.5115/acb.23.310); half again leaves as much for what landmarks are off by.',
        default: 1.5,
        min: 1.1,
        max: 4,
      },
      bend: {
        label: 'Sharpest bend',
        explanation:
          'Degrees by which a finger may bend at one joint. Middle joints reach 100 to 110 in anatomy’s tables; 140 leaves 30 for what landmarks are off by.',
        default: 140,
        min: 90,
        max: 180,
      },
    },
  },
  nsfw: {
    label: 'NSFW',
    package: 'nsfwjs',
    version: '4.4.0',
    licence: 'MIT',
    trainedOn:
      'Photographs and drawings from Reddit, sorted by where they were posted: drawings, hentai, neutral, porn, sexy (GantMan/nsfw_model, alex000kim/nsfw_data_scraper). It has not seen images that a model made.',
    limits: 'Blood and gore are none of its classes. Swimwear counts as sexy.',
    measures: [
      {
        kind: 'defect',
        id: 'nsfw',
        label: 'NSFW',
        explanation: 'More images look like porn, hentai or sexy ones.',
        finding: 'NSFW',
        lookedFor: 'porn, hentai or sexy images',
        countsAs: 'nsfw',
      },
    ],
    settings: {
      threshold: {
        label: 'Counts from',
        explanation:
          'What porn, hentai and sexy make together, of 1. At 0.5 they are likelier than drawing and neutral; nsfwjs itself names no threshold.',
        default: 0.5,
        min: 0.01,
        max: 0.99,
      },
    },
  },
};

/** A declaration with a part added, or put in place of that of its kind. */
export function withPart(judge: DeclaredJudge | null, part: JudgePart): DeclaredJudge {
  const others = (judge?.imported ?? []).filter(({ kind }) => kind !== part.kind);
  const imported = [...others, part].toSorted(
    (a, b) => partKinds.indexOf(a.kind) - partKinds.indexOf(b.kind),
  );
  return { measures: imported.flatMap(({ kind }) => importedJudges[kind].measures), imported };
}

/**
 * The settings of a kind of judge, those given in place of the defaults. Throws 'bad-request'
 * naming a setting that is none, or out of its range.
 */
export function partSettings(
  kind: PartKind,
  given: Readonly<Record<string, number>>,
): Record<string, number> {
  const { settings, label } = importedJudges[kind];
  for (const [name, value] of Object.entries(given)) {
    const setting = settings[name];
    if (!setting) {
      throw new AppError(
        'bad-request',
        `${label} has no setting ${name}. There are: ${Object.keys(settings).join(', ')}.`,
      );
    }
    if (!(value >= setting.min && value <= setting.max)) {
      throw new AppError(
        'bad-request',
        `${name} lies between ${setting.min} and ${setting.max}; ${value} does not.`,
      );
    }
  }
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, given[name] ?? setting.default]),
  );
}

/** Two judges that can say different things of an image have different names. */
export function importedName(imported: readonly JudgePart[]): string {
  return imported
    .map(({ source, networks, settings }) => {
      const told = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
      const [hash = ''] = Object.values(networks);
      return `${source} (${[hash.slice(0, 8), ...told].join(', ')})`;
    })
    .join(' + ');
}
