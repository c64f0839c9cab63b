/**
 * @file Instead of the experiments: looks at what there is to learn before training, and at how
 * much of it to take after.
 */
import { refuse } from '@/scripts/command-line';
import { measureAgreement } from '../experiment/agreement';
import { measureBetween, rawBetween, writeBetween } from '../experiment/between';
import { openStudent } from '../experiment/student';
import { experimentsOf } from './flow';
import { inEngine, loadProgress, progressFolder, publish, type Suite } from './suite';

/** Where the labels of a first round speak with one voice: what to train, before training it. */
export async function showAgreement(suite: Suite): Promise<void> {
  const { pipeline, names, seed } = suite;
  for (const name of names) {
    const found = await inEngine(suite, (engine) =>
      measureAgreement(engine, pipeline, experimentsOf(suite)[name], [name, seed], (line) =>
        console.log(`${name}: ${line}`),
      ),
    );
    const path = await publish(suite, `agreement-${name}.json`, `${JSON.stringify(found)}\n`);
    console.log(`${name}: ${path}`);
  }
}

/** What lies between the base and what an experiment trained. */
export async function showBetween(suite: Suite): Promise<void> {
  const { pipeline, names, quick } = suite;
  for (const name of names) {
    const trained = await loadProgress(progressFolder({ ...suite, quick: false }, name));
    if (!trained) refuse(`"${name}" is not trained yet: npm run reproduce -- --only ${name}`);
    const points = await inEngine(suite, (engine) => {
      const student = openStudent(engine, pipeline, experimentsOf(suite)[name].training);
      return measureBetween(student, trained.adapter, quick ? 50 : 500, (line) =>
        console.log(`${name}: ${line}`),
      );
    });
    const file = `between-${name}${quick ? '-quick' : ''}`;
    await publish(suite, `${file}.json`, rawBetween(points));
    const report = writeBetween(name, points, experimentsOf(suite)[name]);
    console.log(`Report: ${await publish(suite, `${file}.md`, report)}`);
  }
}
