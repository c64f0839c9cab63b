/**
 * @file The cards beside exported answers, by which `datasets` and huggingface.co read them. Source
 * of their headers: the dataset cards of huggingface.co.
 */
import type { ImagePlace } from './image-places';
import type { Columns } from './parquet-file';

const about = `Image 0 stood left. After a tie, and where both were bad, both labels are 0.5; \`answer\` tells them
apart. Images are PNG, which readers of Pick-a-Pic open like its JPEG. Answers to gold pairs (\`purpose\`) and of people who are
held back (\`held_back\`) are only here if they were asked for: leave them out of training.`;

const featureLines = (columns: Columns, indent: string) =>
  Object.entries(columns)
    .map(([name, dtype]) => `${indent}- name: ${name}\n${indent}  dtype: ${dtype}`)
    .join('\n');

/** Of a folder with preferences.jsonl. */
export function cardOfLines(columns: Columns, images: ImagePlace): string {
  const column = images === 'beside' ? 'image_{}_path' : 'jpg_{}';
  const ofImages = [0, 1].map((side) => [column.replace('{}', String(side)), 'string'] as const);
  const where =
    images === 'beside'
      ? 'Images lie in `images/`; `image_0_path` and `image_1_path` name them.'
      : 'The bytes of the images stand in `jpg_0` and `jpg_1` as base64, because JSON has no binary columns.';
  return `---
configs:
- config_name: default
  data_files: preferences.jsonl
dataset_info:
  features:
${featureLines({ ...columns, ...Object.fromEntries(ofImages) }, '  ')}
---

# Preferences between images

One answer a line, in the columns of Pick-a-Pic (yuvalkirstain/pickapic_v2). ${where}

${about}

Trainers of Pick-a-Pic read Parquet with the bytes in \`jpg_0\` and \`jpg_1\`: export with \`--format parquet\`.
`;
}

/** Of a folder with data/train-*.parquet: two views of the same files. */
export function cardOfParquet(columns: Columns): string {
  const shown: Columns = { ...columns, jpg_0: 'image', jpg_1: 'image' };
  const files = '  data_files:\n  - split: train\n    path: data/train-*.parquet';
  return `---
configs:
- config_name: default
${files}
- config_name: images
${files}
dataset_info:
- config_name: default
  features:
${featureLines(columns, '  ')}
- config_name: images
  features:
${featureLines(shown, '  ')}
---

# Preferences between images

One answer a row, in the columns and types of Pick-a-Pic (yuvalkirstain/pickapic_v2), with those of Darkroom behind them.

${about}

\`\`\`python
from datasets import load_dataset

# The bytes of the images, as trainers of Pick-a-Pic read them: Image.open(io.BytesIO(row["jpg_0"])).
rows = load_dataset("FOLDER", split="train")
# The same files as images.
shown = load_dataset("FOLDER", "images", split="train")
\`\`\`

Such trainers leave out rows whose labels are 0.5 (\`are_different\` is false) or keep them as ties.
`;
}

/** Of a folder with rankings.json. */
export function cardOfRankings(): string {
  return `---
configs:
- config_name: default
  data_files: rankings.json
---

# Rankings of images

One item for each pair that people compared and each group in which they tagged the bad images, as in HPDv2
(ymhao/HPDv2): \`rank\` gives each image of \`image_path\` its place by the mean of \`raw_annotations\`, the best the lowest;
images of one place are equally good. A tie and "both bad" are the same here. Images lie in \`images/\`.
`;
}

/** Of a folder with data/train-*.parquet of prompt, chosen and rejected. */
export function cardOfTriples(columns: Columns): string {
  return `---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
dataset_info:
  features:
${featureLines(columns, '  ')}
---

# Preferences between images

One answer a row: its prompt, the image that was preferred and the other one. Ties are left out.
`;
}

/** Of a folder with data/train-*.parquet and latents/. */
export function cardOfNoise(columns: Columns): string {
  return `${cardOfParquet(columns).trimEnd()}

Beside these columns stands how each answer and its images came about:

- \`latents_0_path\`, \`latents_1_path\`: a safetensors file for each image. Where \`latents_0\` says \`path\`, its tensor \`latents\` is
  [steps + 1, channels, height, width], from x_T to x_0, with \`timesteps\` [steps] and \`log_probabilities\` [steps]: ln p(x_t' | x_t)
  of each step under the policy that drew it, a mean over elements. Where it says \`x_0\`, \`latents\` is x_0 alone, [channels, height,
  width]. Both are empty for images that Darkroom did not draw.
- \`left_probability\`: how likely image 0 was to stand left. A coin is thrown for each person and pair; where one order is two ahead
  with a person, the other one is taken, so it is one half for the pair, and not always for the next pair of a person. Empty for
  imported answers.
- \`noise_seed_0\` names x_T, \`seed_0\` the noise of the steps, \`policy_0_hash\` the weights; \`shared_noise\`: both began at one x_T.
- \`shown_at_ms\`, \`decided_at_ms\`: by the person's own clock. \`guidelines_version\`: which were read.

[DATASHEET.md](DATASHEET.md) says what the set is.
`;
}
