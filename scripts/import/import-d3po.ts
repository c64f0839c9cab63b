/** @file D3PO's own labels, with their images, as tagged groups. */
import { basename, resolve } from 'node:path';
import type { ImportProblem } from '@/db/exchange/import-checks';
import { groupProblems, type ImportedGroup, importGroups } from '@/db/exchange/import-groups';
import { baseForImport } from '@/db/exchange/imports';
import { migrateDatabase } from '@/db/migrate';
import { ensureBasePolicy } from '@/db/policies/policies';
import { badByScores, scoresAreGraded } from '@/lib/exchange/scores';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { openBase } from '@/trainer/rounds/pipelines/resolve';
import { type D3poGroup, readD3poFolder } from './d3po-folder';
import type { Alteration } from './fit-image';
import { Images, RowError } from './images';
import { countsOf, type ImportOptions } from './import-file';

export interface D3poReport {
  problems: ImportProblem[];
  /** Taggings: what one person said of one group. */
  added: number;
  known: number;
  groups: number;
  people: number;
  /** Readings with one score throughout, which say nothing, and such with more than two. */
  alike: number;
  graded: number;
  images: number;
  altered: number;
  alterations: Partial<Record<Alteration, number>>;
}

const nowhere = { image_0_uid: null, image_0_url: null, image_1_uid: null, image_1_url: null };
const none = { ...nowhere, image_1_path: null, jpg_0: null, jpg_1: null };

/**
 * Imports a folder of yk7333/d3po with the folder of scores for it. Throws as `readD3poFolder`, and
 * where the pipeline is not known.
 */
export async function importD3po(
  folder: string,
  scoresFolder: string,
  pipeline: string,
  { fit = 'crop', skipBad = false, onProgress }: ImportOptions = {},
): Promise<D3poReport> {
  const found = await readD3poFolder(folder, scoresFolder);
  await migrateDatabase();
  if (pipeline === 'hands') await ensureBasePolicy(await handsPolicy());
  const { pipeline: opened } = await openBase(await baseForImport(pipeline));
  const frame = { ...imageSizeOf(opened), fit };
  const again = async () => null;
  const images = new Images({ path: folder, folder: resolve(folder), again }, frame);
  const counts = { alike: 0, graded: 0 };
  const problems: ImportProblem[] = [];
  const groups: ImportedGroup[] = [];
  const read = async (group: D3poGroup, line: number): Promise<void> => {
    const readings = group.scores.flatMap(({ userId, scores }) => {
      const bad = badByScores(scores);
      if (bad === null) counts.alike++;
      else if (scoresAreGraded(scores)) counts.graded++;
      return bad === null ? [] : [{ userId, bad }];
    });
    if (readings.length === 0) return;
    const members = [];
    for (const path of group.images) {
      const place = { at: 0, size: 0, part: 0 };
      const { imageBlob } = await images.find({ ...none, image_0_path: path }, 0, place);
      members.push({ imageBlob, width: frame.width, height: frame.height, origin: 'unknown' });
    }
    groups.push({ line, prompt: group.prompt, images: members, readings });
  };
  for (const [i, group] of found.groups.entries()) {
    onProgress?.('checked', Math.round((100 * i) / found.groups.length), 100);
    try {
      await read(group, i + 1);
    } catch (thrown) {
      if (!(thrown instanceof RowError)) throw thrown;
      problems.push({ line: i + 1, reason: thrown.reason, message: thrown.message });
    }
  }
  problems.push(...(await groupProblems(pipeline, groups)));
  const bad = new Set(problems.map(({ line }) => line));
  const good = groups.filter(({ line }) => !bad.has(line));
  const people = new Set(good.flatMap(({ readings }) => readings.map(({ userId }) => userId)));
  const report: D3poReport = {
    problems,
    added: 0,
    known: 0,
    groups: good.length,
    people: people.size,
    ...counts,
    images: images.altered.length,
    altered: images.altered.filter((done) => done.length > 0).length,
    alterations: countsOf(images.altered.flat()),
  };
  if (problems.length > 0 && !skipBad) return report;
  let stored = 0;
  const putImages = async (next: readonly ImportedGroup[]) => {
    const blobs = next.flatMap((group) => group.images.map(({ imageBlob }) => imageBlob));
    for (const blob of blobs) await images.put(blob);
    onProgress?.('stored', stored, good.length);
    stored += next.length;
  };
  const source = {
    file: basename(resolve(folder)),
    sha256: found.sha256,
    format: 'scores' as const,
  };
  return { ...report, ...(await importGroups({ pipeline, source, groups: good, putImages })) };
}
