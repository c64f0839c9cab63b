import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

it('npm does not look for news of itself here', () => {
  // The project's own file decides, whatever this person or machine has set.
  const environment = { ...process.env };
  for (const name of Object.keys(environment)) {
    if (/^npm_/i.test(name)) delete environment[name];
  }
  const npm = spawnSync('npm', ['config', 'get', 'update-notifier'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...environment, npm_config_userconfig: 'none', npm_config_globalconfig: 'nothing' },
  });
  expect(npm.stdout.trim()).toBe('false');
});
