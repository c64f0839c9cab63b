/**
 * @file The card beside exported answers: types for `datasets`, and how trainers that read
 * Pick-a-Pic get what they read.
 */
import type { ImagePlace } from './image-places';

/** Columns with their types in `datasets`, Pick-a-Pic's where it has them. */
const types = {
  ranking_id: 'int64',
  user_id: 'int64',
  created_at: 'timestamp[ns]',
  caption: 'string',
  image_0_uid: 'string',
  image_1_uid: 'string',
  label_0: 'float64',
  label_1: 'float64',
  best_image_uid: 'string',
  are_different: 'bool',
  has_label: 'bool',
  model_0: 'string',
  model_1: 'string',
  num_example_per_prompt: 'int64',
  answer_id: 'string',
  created_at_ms: 'int64',
  answer: 'string',
  purpose: 'string',
  held_back: 'bool',
  decision_ms: 'int64',
} as const;

const bytesOf: Record<
  ImagePlace,
  { columns: string; imports: string; read: string; said: string }
> = {
  beside: {
    columns: 'image_{}_path',
    imports: '',
    read: 'open(f"{folder}/{path}", "rb").read()',
    said: 'Images lie in `images/`; `image_0_path` and `image_1_path` name them.',
  },
  lines: {
    columns: 'jpg_{}',
    imports: 'import base64\n',
    read: 'base64.b64decode(path)',
    said: 'The bytes of the images stand in `jpg_0` and `jpg_1` as base64, because JSON has no binary columns.',
  },
};

/** The text of a folder's README.md. Source of its header: the dataset cards of huggingface.co. */
export function datasetCard(place: ImagePlace): string {
  const { columns, imports, read, said } = bytesOf[place];
  const ofImages = [0, 1].map((side) => [columns.replace('{}', String(side)), 'string']);
  const features = [...Object.entries(types), ...ofImages].map(
    ([name, dtype]) => `  - name: ${name}\n    dtype: ${dtype}`,
  );
  return `---
configs:
- config_name: default
  data_files: preferences.jsonl
dataset_info:
  features:
${features.join('\n')}
---

# Preferences between images

One answer a line, in the columns of Pick-a-Pic (yuvalkirstain/pickapic_v2). ${said} They are PNG, which readers of Pick-a-Pic
open like its JPEG. Image 0 stood left. After a tie, and where both were bad, both labels are 0.5; \`answer\` tells them apart.

Answers to gold pairs (\`purpose\`) and of people who are held back (\`held_back\`) are only here if they were asked for. Leave
them out of training.

Trainers of Pick-a-Pic read Parquet with the bytes in \`jpg_0\` and \`jpg_1\`. This writes it:

\`\`\`python
${imports}from pathlib import Path

from datasets import Features, Value, load_dataset

folder = str(Path(".").resolve())  # where this card lies
rows = load_dataset(folder, split="train")
binary = Value("binary")
features = Features({**rows.features, "jpg_0": binary, "jpg_1": binary})


def to_bytes(path):
    return ${read}


rows = rows.map(
    lambda row: {f"jpg_{i}": to_bytes(row[f"${columns.replace('{}', '{i}')}"]) for i in (0, 1)},
    features=features,
)
rows.to_parquet("train.parquet")
\`\`\`
`;
}
