import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import {
  BaseSequencer,
  type Reporter,
  type SerializedError,
  type TestCase,
  type TestModule,
  type TestSpecification,
} from 'vitest/node';

const root = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');

/**
 * Tests that train, or hold whole networks against reference numbers: minutes, where the others
 * take seconds.
 */
const slow = [
  'tests/parity/',
  'tests/scripts/reproduce/',
  'tests/trainer/autodiff/',
  'tests/trainer/hands/',
  'tests/trainer/methods/',
  'tests/trainer/rewards/learned/',
  'tests/trainer/rounds/',
];

/** What is quick comes first, so that most mistakes are heard of within the first minutes. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) =>
      slow.some((folder) => moduleId.startsWith(`${root.replaceAll('\\', '/')}/${folder}`));
    return [...sorted.filter((file) => !isSlow(file)), ...sorted.filter(isSlow)];
  }
}

function tell(name: string, errors: readonly SerializedError[]): void {
  const messages = errors.map(({ message }) => `  ${message.replaceAll('\n', '\n  ')}`);
  console.error([`\nFAILED ${name}`, ...messages].join('\n'));
}

/** Says why a test failed as soon as it has: the default reporter does when all are over. */
const failuresAtOnce: Reporter = {
  onTestCaseResult(test: TestCase) {
    const { state, errors = [] } = test.result();
    if (state === 'failed') tell(`${test.module.relativeModuleId} > ${test.fullName}`, errors);
  },
  // A file that cannot be loaded, or whose hooks fail, has no test to tell of it.
  onTestModuleEnd(module: TestModule) {
    if (module.errors().length > 0) tell(module.relativeModuleId, module.errors());
  },
};

/** Where `npm test` wants to read what became of them. */
const report = process.env.DARKROOM_VITEST_REPORT;

export default defineConfig({
  resolve: { alias: { '@': root } },
  test: {
    root,
    globalSetup: 'tests/temporary-folder.ts',
    include: ['tests/**/*.test.{ts,tsx}'],
    exclude: ['tests/e2e/**', 'node_modules/**'],
    reporters: ['default', failuresAtOnce, ...(report ? ['json'] : [])],
    outputFile: { ...(report && { json: report }) },
    sequence: { sequencer: QuickFirst },
    // Native modules (SQLite, ONNX Runtime) keep state per process, so each file gets its own.
    pool: 'forks',
    maxWorkers: 2,
    // The tests run real models, databases and processes; a slow machine must not fail them.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
