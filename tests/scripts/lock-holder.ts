/** @file A process that takes a lock, says whether it has it, and stays. */
import { takeLock } from '@/scripts/lock';

console.log(takeLock(process.argv[2]!) ? 'taken' : 'refused');
setInterval(() => {}, 1_000);
