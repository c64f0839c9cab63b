/**
 * @file Importing a pipeline: its stages, what is found of it, and how pages and terminals say so.
 */
import { z } from 'zod';
import { methodSchema } from './methods';
import {
  drawableSizesSchema,
  drawableText,
  imageSizeSchema,
  sizeText,
} from './settings/image-sizes';

export const importStates = ['queued', 'running', 'ready', 'failed', 'cancelled'] as const;

export const importStateSchema = z.enum(importStates);

export type ImportState = z.infer<typeof importStateSchema>;

/** Whether a trainer has it, or will. */
export function isBeingImported(state: ImportState): boolean {
  return state === 'queued' || state === 'running';
}

/** What an import goes through, in order, and what each stage counts. */
export const importStages = {
  read: { label: 'Reads every part', unit: 'parts' },
  hash: { label: 'Hashes the files', unit: 'MB' },
  networks: { label: 'Runs every network', unit: 'networks' },
  adapters: { label: 'Goes backwards through every adapter site', unit: 'kinds of adapters' },
  image: { label: 'Draws an image', unit: 'steps' },
  measure: { label: 'Measures drawing and each method', unit: 'measurements' },
} as const satisfies Record<string, { label: string; unit: string }>;

/** What the import of a LoRA file goes through. */
export const loraStages = {
  file: { label: 'Reads the file', unit: 'MB' },
  base: { label: 'Opens the base policy', unit: 'policies' },
  modules: { label: 'Finds its modules in the base policy', unit: 'tensors' },
} as const satisfies Record<string, { label: string; unit: string }>;

export const everyStage = { ...importStages, ...loraStages };

export type ImportStage = keyof typeof everyStage;

const importStageNames = Object.keys(everyStage) as ImportStage[];

export const importProgressSchema = z.object({
  stage: z.enum(importStageNames),
  done: z.number(),
  total: z.number(),
});

export type ImportProgress = z.infer<typeof importProgressSchema>;

export const measuredKinds = ['all', 'drawing', 'none'] as const;

export type MeasuredKind = (typeof measuredKinds)[number];

/** Portions of an uploaded file at most; their hashes stand in one request. */
const portionsMax = 3_800;

/** A LoRA file that was sent from a browser. */
export const loraUploadSchema = z.object({
  /** Its name, as it was chosen. */
  name: z
    .string()
    .min(1)
    .max(200)
    .regex(/\.safetensors$/i, 'Choose a file in safetensors.'),
  /** The blobs that it consists of, in order. */
  portions: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1, 'The file is empty. Choose another one.')
    .max(
      portionsMax,
      'The file is too large to be sent. Put it on the trainer’s machine: npm run adapter:import -- PIPELINE FILE.',
    ),
});

export type LoraUpload = z.infer<typeof loraUploadSchema>;

/** Pipelines that Darkroom makes when they are asked for, and what each is. */
export const builtInPipelines = {
  'hands-flow':
    'The rectified-flow twin of hands: the same weights and the same judge, drawn by flow matching.',
} as const;

export const builtInSchema = z.enum(
  Object.keys(builtInPipelines) as (keyof typeof builtInPipelines)[],
);

export type BuiltIn = z.infer<typeof builtInSchema>;

export const importOptionsSchema = z.object({
  /** What the pipeline shall be called; null: what it is known by, else as its folder is. */
  name: z.string().nullable().default(null),
  /** Take up other files under a name that is known. */
  add: z.boolean().default(false),
  /** What is measured: drawing and each method, drawing alone, or nothing. */
  measure: z.enum(measuredKinds).default('all'),
  /** Sizes to measure at; none: the pipeline's own. */
  sizes: z.array(imageSizeSchema).max(8).default([]),
  /** Made by Darkroom, and `folder` is its name; left out, it lies in the folder. */
  builtIn: builtInSchema.optional(),
  /** The folder is a LoRA file for this base policy; left out, a pipeline's. */
  adapterOf: z.string().optional(),
  /** The LoRA file was sent, and `folder` is its name; left out, it lies on the machine. */
  upload: loraUploadSchema.optional(),
  /** Leaves out what a LoRA file says of text encoders. */
  withoutText: z.boolean().optional(),
});

export type ImportOptions = z.infer<typeof importOptionsSchema>;

/** What is asked for to have a pipeline made. */
export function builtInImport(builtIn: BuiltIn): { folder: string; options: ImportOptions } {
  const options = { builtIn, name: builtIn, measure: 'drawing' };
  return { folder: builtIn, options: importOptionsSchema.parse(options) };
}

/** A network of a pipeline. */
export const foundPartSchema = z.object({
  /** Its folder. */
  name: z.string(),
  opset: z.number().int(),
  /** Of its weights: what most of their bytes are. */
  dtype: z.string(),
  /** Weights in the graph or beside it, bytes. */
  bytes: z.number(),
  operators: z.number().int(),
});

export type FoundPart = z.infer<typeof foundPartSchema>;

/** What something took: seconds as measured, the peak of memory, or why it could not be done. */
export const measurementSchema = z.object({
  /** What the seconds are of, as "one image of 50 steps". */
  of: z.string(),
  seconds: z.number().nullable(),
  /** Peak of the process that computes, bytes. */
  peakBytes: z.number().nullable(),
  /** Why there are no numbers. */
  problem: z.string().nullable(),
});

export type Measurement = z.infer<typeof measurementSchema>;

export const measuredSizeSchema = imageSizeSchema.extend({
  drawing: measurementSchema,
  methods: z.array(measurementSchema.extend({ method: methodSchema })),
});

export type MeasuredSize = z.infer<typeof measuredSizeSchema>;

/** What an import found; it stands in the base policy's manifest. */
export const foundPipelineSchema = z.object({
  /** The class that its `model_index.json` names. */
  family: z.string(),
  parts: z.array(foundPartSchema),
  /** What is made of its scheduler. */
  scheduler: z.string(),
  /** Modules that an adapter would sit at, by what is trained; null where it cannot. */
  adapterSites: z.record(z.string(), z.number().int().nullable()),
  /** Tokens of a prompt that are read, beside its ends. */
  promptTokens: z.number().int(),
  /** Pixels. */
  width: z.number().int(),
  height: z.number().int(),
  /** Other sizes that its networks take; left out by imports that did not look. */
  drawable: drawableSizesSchema.optional(),
  measured: z.object({
    /** The machine, in words. */
    machine: z.string(),
    memoryBytes: z.number(),
    sizes: z.array(measuredSizeSchema),
  }),
});

export type FoundPipeline = z.infer<typeof foundPipelineSchema>;

/** The image that an import draws, and how. */
export const importImage = { prompt: 'a photo of a cat', steps: 20, guidance: 5 } as const;

/** Names that look well on pages and are no paths. */
const nameForm = /^[a-z0-9][\w.-]{0,59}$/i;

/** Why something cannot be the name of a pipeline, with what can; null where it can. */
export function pipelineNameProblem(name: string): string | null {
  if (nameForm.test(name)) return null;
  return `"${name}" cannot be the name of a pipeline. Take up to 60 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.`;
}

/** Parts of paths that say nothing of a model: exporters' folders, snapshots of Hugging Face. */
const saysNothing = /^(pipeline|onnx|models?|snapshots|exported|export|output|out|[0-9a-f]{40})$/i;

/** What a pipeline is called after its folder: by the last part of the path that says something. */
export function nameOfFolder(folder: string): string {
  const parts = folder.split(/[\\/]/).filter(Boolean);
  const last = parts.findLast((part) => !saysNothing.test(part)) ?? parts.at(-1) ?? '';
  const name = last
    .replace(/^models--(.*--)?/, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[^a-z0-9]+/i, '');
  return name.slice(0, 60) || 'imported';
}

const trainedNames: Readonly<Record<string, string>> = {
  attention: 'attention',
  'attention-ff-conv': 'attention, feed-forward and convolutions',
  full: 'all weights',
};

const decimals = (value: number, unit: string) =>
  `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;

/** "1.2 GB", "340 MB". */
export function bytesText(bytes: number): string {
  return bytes >= 1e9 ? decimals(bytes / 1e9, 'GB') : decimals(bytes / 1e6, 'MB');
}

/** "0.8 s", "12 s", "5 min", "3.2 h". */
export function secondsText(seconds: number): string {
  if (seconds < 0.95) return `${seconds.toPrecision(2)} s`;
  if (seconds < 100) return decimals(seconds, 's');
  return seconds < 6000 ? decimals(seconds / 60, 'min') : decimals(seconds / 3600, 'h');
}

/** What was measured at a size, line by line. */
export function measuredLines({
  drawing,
  methods: own,
}: MeasuredSize): { name: string; text: string }[] {
  const named = [
    { name: 'drawing', ...drawing },
    ...own.map(({ method, ...of }) => ({ name: method, ...of })),
  ];
  return named.map(({ name, ...measurement }) => ({ name, text: measurementText(measurement) }));
}

/** What something took, or why there are no numbers. */
export function measurementText({ of, seconds, peakBytes, problem }: Measurement): string {
  return (
    problem ??
    `${secondsText(seconds ?? 0)} for ${of}, ${bytesText(peakBytes ?? 0)} of memory at most`
  );
}

/** What an import found, line by line, for pages and terminals. */
export function foundLines(found: FoundPipeline): { name: string; text: string }[] {
  return [
    { name: 'family', text: found.family },
    ...found.parts.map(({ name, opset, dtype, bytes, operators }) => ({
      name,
      text: `opset ${opset}, ${dtype}, ${bytesText(bytes)}, ${operators} operators`,
    })),
    { name: 'scheduler', text: found.scheduler },
    {
      name: 'adapters',
      text: Object.entries(found.adapterSites)
        .map(([kind, sites]) => {
          const what = trainedNames[kind] ?? kind;
          if (sites === null) return `${what}: not possible, modules have lost their names`;
          return `${what}: ${sites} ${kind === 'full' ? 'tensors' : 'sites'}`;
        })
        .join('; '),
    },
    { name: 'prompts', text: `${found.promptTokens} tokens are read` },
    { name: 'images', text: `${sizeText(found)} pixels${drawableText(found.drawable)}` },
  ];
}
