/** Loads the engine's process by `require`: starting TypeScript as an ES module costs twice the time, and engines are started often. */
require('tsx/cjs');
require('./child.ts');
