import { runInstalled } from './install.mjs';

await runInstalled('scripts/test/main.ts', { install: true });
