/** @file `npm run reproduce [-- --suite d3po|methods] …`: which suite of experiments runs; each has options of its own. */
import { parseArgs } from 'node:util';

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
  console.error(`There is no suite "${name}". Choose from ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}
await suites[name as keyof typeof suites]();
