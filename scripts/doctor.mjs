import { runInstalled } from './install.mjs';

await runInstalled('scripts/doctor/main.ts', { install: false });
