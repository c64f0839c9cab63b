import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ArchiveData, archiveProblem, labelOf } from '@/lib/training/archive';

const counts = (archive: Partial<ArchiveData>, rest: object = {}) => ({
  answers: 7,
  tooYoung: 1,
  heldBack: 2,
  trainingPairs: 0,
  ...rest,
  archive: {
    rounds: 1,
    imports: 0,
    annotators: 2,
    ties: 3,
    bothBad: 4,
    atOdds: 5,
    flags: 6,
    images: 0,
    imported: 0,
    encoded: 0,
    ...archive,
  },
});

it('trains where there is a pair, or an image of each kind', () => {
  expect(archiveProblem(counts({}, { trainingPairs: 1 }))).toBeNull();
  expect(archiveProblem(counts({ labels: { good: 1, bad: 1 } }))).toBeNull();
  // One person's answers are enough to train on; the page says whose they are.
  expect(archiveProblem(counts({ annotators: 1 }, { trainingPairs: 1 }))).toBeNull();
});

it('else names every count and a remedy', () => {
  for (const archive of [{}, { labels: { good: 8, bad: 0 } }, { labels: { good: 0, bad: 8 } }]) {
    const problem = archiveProblem(counts(archive));
    for (const said of ['7 answers', '6 flags', '3 ties', '4 both bad', '5 at odds', '2 by paused'])
      expect(problem).toContain(said);
    expect(problem).toContain('1 still within the undo window');
    expect(problem).toContain('npm run import');
  }
});

it('never calls an image good that anybody marked', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.nat(5), (bad, good) => {
      const label = labelOf({ bad, good });
      expect(label === 'bad').toBe(bad > 0);
      expect(label === 'good').toBe(bad === 0 && good > 0);
    }),
  );
});
