import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogFile } from '@/scripts/start/log-file';
import { SmallDisk } from '../../support/small-disk';

let folder: string;
let path: string;
let dropped: string[];
const bytes = (text: string) => new TextEncoder().encode(text);
const logged = () => readFileSync(path, 'utf8');
const open = () => new LogFile(path, (why) => dropped.push(why));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-log-'));
  path = join(folder, 'logs', 'web.log');
  dropped = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('appends to what is there, in a folder that it makes', () => {
  const first = open();
  first.write(bytes('one\n'));
  first.close();
  open().write(bytes('two\n'));
  expect(logged()).toBe('one\ntwo\n');
});

it('drops what cannot be written, says so once, and notes how much when it can write again', () => {
  writeFileSync(join(folder, 'logs'), 'a file where the folder should be');
  const log = open();
  for (let i = 0; i < 5; i++) log.write(bytes('lost\n'));
  expect(dropped).toHaveLength(1);
  rmSync(join(folder, 'logs'));
  log.write(bytes('kept\n'));
  log.write(bytes('and this\n'));
  expect(logged()).toBe('(25 bytes could not be written here)\nkept\nand this\n');

  rmSync(join(folder, 'logs'), { recursive: true });
  log.close();
  writeFileSync(join(folder, 'logs'), '');
  log.write(bytes('lost again\n'));
  expect(dropped).toHaveLength(2);
});

it('sets a log aside that has grown large, while it is being written', () => {
  const log = open();
  const megabyte = new Uint8Array(1e6).fill(46);
  for (let i = 0; i < 12; i++) log.write(megabyte);
  log.write(bytes('end'));
  expect(statSync(join(folder, 'logs', 'web.old.log')).size).toBe(11e6);
  expect(logged().endsWith('end')).toBe(true);
  expect(dropped).toEqual([]);
});

const disk = SmallDisk.mount(1);

it.skipIf(!disk)('writes again when a full disk has room', () => {
  try {
    const onDisk = join(disk!.folder, 'web.log');
    const log = new LogFile(onDisk, (why) => dropped.push(why));
    log.write(bytes('before\n'));
    disk!.fill();
    const large = bytes(`${'x'.repeat(9_999)}\n`);
    for (let i = 0; i < 3; i++) log.write(large);
    expect(dropped).toEqual([expect.stringContaining('no space left')]);
    disk!.free();
    log.write(bytes('after\n'));
    expect(readFileSync(onDisk, 'utf8')).toMatch(
      /^before\n.*could not be written here\)\nafter\n$/s,
    );
    log.close();
  } finally {
    disk!.unmount();
  }
});
