import { asc, eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { type AnnotatorReport, annotatorReports } from '@/db/figures/annotators';
import { keepFigures } from '@/db/figures/figures';
import { pairs, preferences } from '@/db/schema/labels';
import { user } from '@/db/schema/people';
import { chanceOf } from '../../support/growth/chance';
import { growHome } from '../../support/growth/grow';
import { annotatorFigures, judgedPairs, overallAgreement } from '../../support/judged-pairs';
import { listPeople } from '../../support/people';
import { withTemporaryHome } from '../support';

withTemporaryHome();

async function everybody(limit: number): Promise<AnnotatorReport[]> {
  const found: AnnotatorReport[] = [];
  for (let after: string | undefined; ; ) {
    const page = await annotatorReports({ after, limit });
    found.push(...page.annotators);
    if (page.next === null) return found;
    after = page.next;
  }
}

/** What the page shows, against the definitions of lib/statistics over all answers. */
async function expectExact(): Promise<void> {
  const judged = judgedPairs();
  const expected = annotatorFigures(judged);
  const reports = await everybody(7);
  const came = (await listPeople()).filter(({ id }) => expected.has(id)).map(({ id }) => id);
  expect(reports.map(({ person }) => person.id)).toEqual(came);
  for (const { person, figures } of reports) expect(figures).toEqual(expected.get(person.id));
  const { agreement, side, total, anyGold } = await annotatorReports({ limit: 1 });
  const overall = overallAgreement(judged);
  expect(agreement.raw).toEqual(overall.raw);
  if (overall.alpha === null) expect(agreement.alpha).toBeNull();
  else expect(agreement.alpha).toBeCloseTo(overall.alpha, 12);
  const imported = db().select({ id: user.id }).from(user).where(eq(user.imported, true)).all();
  const elsewhere = new Set(imported.map(({ id }) => id));
  const sides = judged
    .filter(({ annotatorId }) => !elsewhere.has(annotatorId))
    .map(({ answer }) => answer)
    .filter((said) => said === 'left' || said === 'right');
  const left = sides.filter((said) => said === 'left').length;
  expect(side).toMatchObject({ left, decided: sides.length });
  expect(total).toBe(expected.size);
  expect(anyGold).toBe(judged.some(({ gold }) => gold !== null));
}

function someAnswers() {
  return db().select().from(preferences).orderBy(asc(preferences.id)).all();
}

describe('annotatorReports', () => {
  it('shows what reading all answers would, while answers come, change and go', async () => {
    await expectExact();
    await growHome({ answers: 500, people: 15, rounds: 9 });
    await expectExact();
    const chance = chanceOf(3);
    for (let turn = 0; turn < 6; turn++) {
      for (const answer of someAnswers().filter(() => chance.next() < 0.1)) {
        const drawn = chance.next();
        const own = eq(preferences.id, answer.id);
        if (drawn < 0.4) {
          // Where nobody has another standing answer, one that was taken back may stand again.
          const supersededAt = answer.supersededAt === null ? 1 : null;
          db().run('savepoint one');
          try {
            db().update(preferences).set({ supersededAt }).where(own).run();
            db().run('release one');
          } catch {
            db().run('rollback to one');
            db().run('release one');
          }
        } else if (drawn < 0.7) {
          const said = chance.pick(['left', 'right', 'tie', 'both-bad'] as const);
          db().update(preferences).set({ answer: said }).where(own).run();
        } else if (drawn < 0.8) {
          db().delete(preferences).where(own).run();
        } else {
          // Known already: stored by nobody, counted by nobody.
          db().insert(preferences).values(answer).onConflictDoNothing().run();
        }
      }
      await expectExact();
    }
  });

  it('counts anew where triggers were lost', async () => {
    const client = db().$client;
    client.exec('drop trigger figures_answer_given');
    const [pair] = db().select().from(pairs).limit(1).all();
    db().delete(preferences).where(eq(preferences.pairId, pair!.id)).run();
    client.exec('update annotator_counts set compared = compared + 1');
    keepFigures(client);
    await expectExact();
  });
});
