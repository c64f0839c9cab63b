import { build, isBuilt } from '@/scripts/build';

/** Before all tests: the web app as it is shipped, built from the sources that lie here. */
// biome-ignore lint/style/noDefaultExport: Playwright asks for it
export default async function buildOnce(): Promise<void> {
  if (!isBuilt()) await build();
}
