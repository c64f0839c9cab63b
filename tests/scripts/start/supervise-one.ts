/** @file A process that supervises one script, to be killed by the test beside it. */
import { supervise } from '@/scripts/start/supervise';

const [logFolder, ...nodeArguments] = process.argv.slice(2);
supervise({
  name: 'one',
  nodeArguments,
  environment: {},
  logFolder: logFolder!,
  onDeath: (how) => console.error(how),
  onLogDropped: (why) => console.error(why),
});
