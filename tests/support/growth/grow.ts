/**
 * @file Databases of any size, filled as years of real use would have: rounds of every kind,
 * answers by people who judge much and little, undone ones, skips, gold, groups, flags, imports,
 * policies, evaluations, steps. Drawn by a seed; rows go in by bulk.
 */
import { putBlob } from '@/db/blobs/blobs';
import { type Database, db } from '@/db/client';
import { ensureGuidelines } from '@/db/labeling/guidelines';
import { migrateDatabase } from '@/db/migrate';
import { auditLog } from '@/db/schema/people';
import { drawPicture } from '../../e2e/support/seed';
import { inBulk } from './bulk';
import { chanceOf } from './chance';
import { growImports } from './imports';
import { growPeople, type Person } from './people';
import { growRounds, type Lineage } from './rounds';
import type { Soil } from './soil';

export interface Growth {
  /** Answers that stand, imported ones included. */
  answers: number;
  /** Rounds; a two-hundredth of the answers unless said. */
  rounds?: number;
  /** People, imported names included; a fiftieth of the answers unless said. */
  people?: number;
  /** Pairs that wait in the round that is being labeled. */
  openPairs?: number;
  /**
   * So many real pictures are drawn, and shown again and again; none: hashes of images that are not
   * there.
   */
  pictures?: number;
  seed?: number;
  /** When the last answer came, ms. */
  now?: number;
}

/** What was grown, to be asked about. */
export interface Grown {
  people: Person[];
  /** Of each pipeline, the first being the larger. */
  lineages: Lineage[];
  /** Being labeled, with open pairs. */
  labelingRoundId: string;
  importIds: string[];
  answers: number;
}

/** Sets up the folder in `DARKROOM_HOME` and fills its database. */
export async function growHome(growth: Growth): Promise<Grown> {
  await migrateDatabase();
  await ensureGuidelines('# What to look for\n\nCount the fingers.');
  const blobs = await Promise.all(
    Array.from({ length: growth.pictures ?? 0 }, (_, i) => putBlob(drawPicture(i))),
  );
  return growDatabase(db(), growth, blobs);
}

/**
 * Fills a database that has been migrated. @param blobs hashes of the images to be shown; else
 * made-up ones
 */
export function growDatabase(
  database: Database,
  growth: Growth,
  blobs: readonly string[] = [],
): Grown {
  const { answers, now = Date.now(), seed = 1 } = growth;
  const chance = chanceOf(seed);
  const soil: Omit<Soil, 'insert'> = {
    chance,
    now,
    startedAt: now - 100 * dayMs,
    imageBlob: () => (blobs.length > 0 ? chance.pick(blobs) : chance.hash()),
  };
  const grown = inBulk(database, (insert) => {
    const here = { ...soil, insert };
    const count = growth.people ?? Math.max(10, Math.round(answers / 50));
    const people = growPeople(here, count);
    const imported = Math.round(answers / 10);
    const { lineages, labelingRoundId } = growRounds(here, people, {
      rounds: Math.max(8, growth.rounds ?? Math.round(answers / 200)),
      answers: answers - imported,
      openPairs: growth.openPairs ?? 50,
    });
    const importIds = growImports(here, people, lineages[0]!, imported);
    for (let i = 0; i < answers / 100; i++) {
      insert(auditLog, {
        actorId: chance.pick(people).id,
        action: 'flag.review',
        subject: chance.id(),
        detail: { state: 'confirmed' },
        createdAt: soil.startedAt + chance.below(now - soil.startedAt),
      });
    }
    return { people, lineages, labelingRoundId, importIds, answers };
  });
  // What a database of this age has long had: statistics that tell the planner which index is worth
  // it.
  database.$client.exec('analyze');
  database.$client.pragma('wal_checkpoint(truncate)');
  return grown;
}

const dayMs = 24 * 60 * 60 * 1000;
