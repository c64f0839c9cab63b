import { z } from 'zod';
import {
  builtInSchema,
  importProgressSchema,
  importStateSchema,
  loraUploadSchema,
  measuredKinds,
  pipelineNameProblem,
} from '@/lib/pipeline-imports';
import { imageSizeSchema } from '@/lib/settings/image-sizes';

/** What the pages of imports and their routes say to each other. Times in ms. */

export const shownImportSchema = z.object({
  id: z.string(),
  folder: z.string(),
  /** What it shall be called, or is. */
  name: z.string(),
  /** The base policy that it is a LoRA file for; null: it is a pipeline. */
  loraOf: z.string().nullable(),
  state: importStateSchema,
  progress: importProgressSchema.nullable(),
  /** What it was registered as. */
  policy: z.object({ id: z.string(), name: z.string(), pipeline: z.string() }).nullable(),
  error: z.string().nullable(),
  createdBy: z.string().nullable(),
  createdAt: z.number(),
});

export type ShownImport = z.infer<typeof shownImportSchema>;

export const importsViewSchema = z.object({
  /** Those under way, and those that ended lately; newest first. */
  imports: z.array(shownImportSchema),
});

export type ImportsView = z.infer<typeof importsViewSchema>;

const below = z.string().max(1000);

/** From the root, with slashes; empty: the root itself. */
export const modelFoldersQuerySchema = z.object({ below: below.default('') });

export const modelFoldersSchema = z.object({
  root: z.string(),
  below: z.string(),
  folders: z.array(z.object({ name: z.string(), isPipeline: z.boolean() })),
});

export const importModelSchema = z.strictObject({
  below: below.min(1, 'Choose the folder of a model.'),
  name: z
    .string()
    .trim()
    .max(200)
    .nullable()
    .superRefine((name, context) => {
      const problem = name === null ? null : pipelineNameProblem(name);
      if (problem) context.addIssue(problem);
    }),
  measure: z.enum(measuredKinds).default('all'),
  sizes: z.array(imageSizeSchema).max(8).default([]),
});

/** A pipeline that Darkroom makes. */
export const importBuiltInSchema = z.strictObject({ builtIn: builtInSchema });

export type AskedModel = z.infer<typeof importModelSchema> | z.infer<typeof importBuiltInSchema>;

/** LoRA files under the root that a base policy may be adapted by; null: none is named. */
export const loraFilesSchema = z.object({
  root: z.string().nullable(),
  files: z.array(z.string()),
});

/** Where a stored portion of a file lies. */
export const portionSchema = z.object({ hash: z.string() });

export const importLoraSchema = z.strictObject({
  /** Under the root, or sent before by portions. */
  file: z.union([z.string().min(1, 'Choose a file.').max(1000), loraUploadSchema]),
  name: z.string().trim().min(1).max(120).nullable(),
  withoutText: z.boolean().default(false),
});

export type ImportLora = z.input<typeof importLoraSchema>;

export const askedImportSchema = z.object({ id: z.string() });

export const importActions = ['cancel', 'retry'] as const;

export type ImportAction = (typeof importActions)[number];
