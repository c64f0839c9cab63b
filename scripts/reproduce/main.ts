/** @file `npm run reproduce`: which suite of experiments runs; each has options of its own. */
import { parseArgs } from 'node:util';
import { refuse } from '@/scripts/command-line';

/** A suite's main reads the command line itself, and runs when it is imported. */
const suites = {
  d3po: () => import('./d3po/main'),
  methods: () => import('./methods/main'),
};

const { values } = parseArgs({
  options: { suite: { type: 'string', default: 'd3po' } },
  strict: false,
});
const name = String(values.suite);
if (!Object.hasOwn(suites, name)) {
  refuse(`There is no suite "${name}". Choose from ${Object.keys(suites).join(', ')}.`);
}
await suites[name as keyof typeof suites]();
