import { runInstalled } from './install.mjs';

await runInstalled('scripts/start/main.ts', { install: true });
