/**
 * A process that starts an engine, sets it to work, prints its process id and waits to be killed.
 */
import { zeros } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';
import { slowModel } from './models';

const engine = await Engine.open({ device: 'cpu', threads: 1 });
const session = await engine.load(slowModel(512, 20_000), { name: 'slow' });
const run = session.run({ x: zeros('float32', [512, 512]) });
process.stdout.write(`${engine.pid}\n`);
await run;
