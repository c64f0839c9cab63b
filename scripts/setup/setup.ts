import { readFile } from 'node:fs/promises';
import { refuseBroken } from '@/db/health';
import { ensureGuidelines } from '@/db/labeling/guidelines';
import { migrateDatabase } from '@/db/migrate';
import { createInvitation, listInvitations, revokeInvitation } from '@/db/people/invitations';
import { firstAdmin } from '@/db/people/users';
import { ensureBasePolicy } from '@/db/policies/policies';
import { listRuns, startRun } from '@/db/rounds/runs';
import { presetConfig } from '@/lib/settings/run-config';
import { handsPolicy } from '@/trainer/hands/hands-policy';

/**
 * Brings the data folder to where a person can label: tables, guidelines, the built-in policy, and,
 * the first time, an online run of it. Safe to run again: what is there stays as it is. Throws
 * 'unavailable', with the remedy, over a database that is damaged or comes from a newer version.
 */
export async function setUp(): Promise<void> {
  await refuseBroken();
  await migrateDatabase();
  await ensureGuidelines(await readFile('trainer/hands/guidelines.md', 'utf8'));
  const { manifest, ...identity } = await handsPolicy();
  await ensureBasePolicy({ ...identity, manifest });
  if ((await listRuns()).length > 0) return;
  await startRun({
    name: 'Hands',
    mode: 'online',
    method: 'd3po',
    pipeline: identity.pipeline,
    config: presetConfig(manifest.presets[manifest.suggestedPreset], {
      prompts: manifest.suggestedPrompts,
      evaluationPrompts: manifest.suggestedEvaluationPrompts,
    }),
    createdBy: null,
  });
}

/**
 * A one-time link's token for the first admin: it makes that person where there is none yet, and
 * signs them in again where there is. Earlier links of this kind are withdrawn.
 */
export async function adminToken(): Promise<string> {
  const unused = (await listInvitations()).filter(
    ({ role, createdBy, usedAt, revokedAt }) =>
      role === 'admin' && createdBy === null && !usedAt && !revokedAt,
  );
  for (const { id } of unused) await revokeInvitation(id, null);
  const admin = await firstAdmin();
  const { token } = await createInvitation({
    role: 'admin',
    createdBy: null,
    ...(admin && { forUserId: admin.id }),
    note: admin ? 'sign in again' : 'first admin',
  });
  return token;
}
