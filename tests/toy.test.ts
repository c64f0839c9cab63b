import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the judge of the built-in pipeline looks for: no other room may know of it. */
const toy = /\b(bloodless|blood|deformed|formed|fingers)\b/i;

/** Rooms that are about the built-in pipeline itself. */
const about = ['trainer/hands/', 'scripts/reproduce/', 'scripts/pretrain/'];

/** Files that say such a word and mean something else, or speak to people of what it stands for. */
const explained: Record<string, string> = {
  'app/account/account-form.tsx': 'what NSFW images may show, to who may want them blurred',
  'app/join/[token]/join-form.tsx': 'what NSFW images may show, to who joins',
  'app/label/desk/consent-dialog.tsx': 'what NSFW images may show, to who may want them blurred',
  'app/label/closer/look-tools.tsx': 'two fingers of a person on a screen',
  'lib/flags.ts': 'what people flag: the kinds of flag are the product’s own',
  'lib/errors.ts': 'a well formed request',
  'lib/judges/imported.ts': 'what judges of other pipelines see in hands, and what they do not',
  'trainer/judges/anatomy.ts': 'fingers of people, for judges of other pipelines',
  'trainer/judges/hands.ts': 'words of a prompt that ask for a hand',
  'lib/methods.ts': 'pairs that are formed',
  'lib/settings/spo.ts': 'pairs that are formed',
  'trainer/methods/drtune.ts': 'a product that is formed',
  'trainer/methods/spo/choice.ts': 'pairs that are formed',
  'db/migrations/0006_judges.sql':
    'carries over what the judges of hands said before they declared it',
};

const text = /\.(ts|tsx|mts|mjs|sql|md|css)$/;

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && text.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !about.some((room) => path.startsWith(room)));
}

it('the drawn world stays in its room: who speaks of it elsewhere says why here', () => {
  const speaking = ['app', 'lib', 'db', 'trainer', 'scripts']
    .flatMap(filesUnder)
    .filter((path) => toy.test(readFileSync(join(root, path), 'utf8')));
  expect(speaking.sort()).toEqual(Object.keys(explained).sort());
});
