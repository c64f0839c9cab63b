import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { POST } from '@/app/api/runs/prompts/route';
import { ensureBasePolicy } from '@/db/policies/policies';
import { promptCuts } from '@/lib/text/prompt-cuts';
import { signInAs } from '@/tests/app/support/sign-in';
import { withTemporaryHome } from '@/tests/db/support';
import { familyFolder } from '@/tests/support/family-pipelines';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { ClipTokenizer } from '@/trainer/diffusion/pipelines/tokenizer';
import { writeTokenizer } from '@/trainer/hands/tokenizer';

withTemporaryHome();
let cookie: string;
beforeAll(async () => {
  ({ cookie } = await signInAs('researcher'));
});

const prompts = [
  '1 hand, dark skin, red sleeve',
  '1 hand, dark skin, red sleeve, blue background, tilted left, and a thumb',
  'a photograph of one hand with five fingers holding an umbrella in the rain',
];

async function check(pipeline: string, of = prompts) {
  const request = new Request('http://127.0.0.1:3000/api/runs/prompts', {
    method: 'POST',
    headers: { cookie },
    body: JSON.stringify({ pipeline, prompts: of }),
  });
  const response = await POST(request, { params: Promise.resolve({}) });
  return { status: response.status, body: await response.json() };
}

it('says which prompts the built-in policy does not read whole, as the trainer cuts them', async () => {
  await ensureBasePolicy({ pipeline: 'hands', name: 'hands', hash: 'h' });
  const { status, body } = await check('hands');
  expect(status).toBe(200);
  expect(body).toMatchObject({ room: 14, cut: 2, first: { prompt: prompts[1] } });
  const { kept, lost } = body.first;
  expect(prompts[1]).toMatch(new RegExp(`^${kept}\\s*${lost}$`));

  const tokenizer = await ClipTokenizer.open('trainer/hands/policy/tokenizer');
  expect(promptCuts(prompts, tokenizer)[0]).toEqual(body.first);
  const next = lost.split(/\s+/)[0];
  expect(tokenizer.tokensOf(kept)).toBeLessThanOrEqual(14);
  expect(tokenizer.tokensOf(`${kept} ${next}`)).toBeGreaterThan(14);
  // What is lost changes nothing, what is kept does.
  expect(tokenizer.encode(`${kept} ${next} else`)).toEqual(tokenizer.encode(prompts[1]!));
  expect(tokenizer.encode(`no ${kept}`)).not.toEqual(tokenizer.encode(prompts[1]!));
  expect(await check('hands', prompts.slice(0, 1))).toMatchObject({
    body: { cut: 0, first: null },
  });
});

it('reads a tokenizer that transformers 5 saved', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prompts-'));
  await ensureBasePolicy({ pipeline: folder, name: 'other', hash: 'o' });
  expect((await check(folder)).body).toEqual({ room: null, cut: 0, first: null });
  await writeFile(
    join(folder, 'model_index.json'),
    '{"_class_name": "ORTStableDiffusionPipeline"}',
  );
  const tokenizer = join(folder, 'tokenizer');
  writeTokenizer(tokenizer);
  for (const file of ['vocab.json', 'merges.txt']) await rm(join(tokenizer, file));
  expect((await check(folder)).body).toEqual((await check('hands')).body);
});

it.each([
  // T5 takes more of a prompt than the CLIPs beside it, and Gemma has an instruction before it.
  ['tiny-sdxl', 75],
  ['tiny-sd3', 255],
  ['tiny-sana', 298],
] as const)('measures by the tokenizers of the family: %s takes %i tokens', async (name, room) => {
  const folder = join(familyFolder(name), 'pipeline');
  await ensureBasePolicy({ pipeline: folder, name, hash: name });
  const word = 'hand '.repeat(400);
  const { body } = await check(folder, ['a hand', word]);
  expect(body).toMatchObject({ room, cut: 1, first: { prompt: word } });
  const { measure } = await openPipeline(folder);
  expect(promptCuts([word], measure)).toEqual([body.first]);
});

it('reads no folder that is no pipeline of this installation', async () => {
  expect(await check('/etc')).toMatchObject({ status: 404 });
});
