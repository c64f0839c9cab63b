import { decode } from 'fast-png';
import { chromium, expect, type Locator } from 'playwright/test';
import { findBrowser } from '@/scripts/test/browser';
import { test } from './support/app';
import { seedFinishedRound } from './support/seed-history';

/** How bright the pixels at a place of a box are on average, 0 to 255. */
async function brightness(box: Locator, clip: (size: Rect) => Rect): Promise<number> {
  const place = await box.boundingBox();
  if (!place) throw new Error('the box has no place on screen');
  const picture = decode(await box.page().screenshot({ clip: clip(place) }));
  const { data, channels } = picture;
  let sum = 0;
  for (let at = 0; at < data.length; at += channels)
    sum += data[at]! + data[at + 1]! + data[at + 2]!;
  return sum / (3 * (data.length / channels));
}

type Rect = { x: number; y: number; width: number; height: number };

/** A strip along the right edge of the head, in which no letters stand. */
const rightEdge = ({ x, y, width }: Rect): Rect => ({ x: x + width - 4, y, width: 3, height: 6 });

test('a table that goes on beyond its edge says so, and no longer at its end', async ({
  app,
  browser,
}) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'admin');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [width, path, name] of [
      [1024, '/review/annotators', 'Annotators'],
      [390, '/people', 'People'],
      [390, '/policies', 'Versions'],
    ] as const) {
      const named = `${path} at ${width}, ${colorScheme}`;
      await page.setViewportSize({ width, height: 800 });
      await page.goto(path);
      const box = page.getByRole('region', { name, exact: true });
      await box.scrollIntoViewIfNeeded();
      const beyond = () => box.evaluate((element) => element.scrollWidth - element.clientWidth);
      expect(await beyond(), named).toBeGreaterThan(20);
      const cut = await brightness(box, rightEdge);
      await box.evaluate((element) => element.scrollTo({ left: element.scrollWidth }));
      const whole = await brightness(box, rightEdge);
      expect(Math.abs(cut - whole), named).toBeGreaterThan(12);
    }
  }
});

test('on a phone the sections have names, and all of them are within reach', async ({
  app,
  browser,
}) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'admin', {
    context: { viewport: { width: 390, height: 844 }, hasTouch: true },
  });
  await page.goto('/rounds');
  const nav = page.getByRole('navigation', { name: 'Sections' });
  for (const name of ['Label', 'Rounds', 'Policies', 'Rewards', 'Review', 'People']) {
    const words = nav.getByText(name, { exact: true });
    const box = await words.boundingBox();
    expect(box?.width ?? 0, name).toBeGreaterThan(20);
    expect((box?.x ?? 0) + (box?.width ?? 0), name).toBeLessThanOrEqual(390);
  }
});

test('under a dialog the gutter of the page is as dark as the page', async ({ app }) => {
  // Scroll bars that take room, as on a desktop; the other tests have none.
  const shown = await chromium.launch({
    executablePath: findBrowser(),
    args: ['--no-sandbox', '--disable-gpu'],
    ignoreDefaultArgs: ['--hide-scrollbars'],
  });
  try {
    await seedFinishedRound();
    const page = await app.signIn(shown, 'admin');
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.goto('/people');
    await page.getByRole('button', { name: 'Invite' }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    const at = async (x: number) => {
      const { data } = decode(await page.screenshot({ clip: { x, y: 640, width: 1, height: 1 } }));
      return [data[0]!, data[1]!, data[2]!];
    };
    const [inside, gutter] = [await at(1200), await at(1277)];
    gutter.forEach((value, channel) => {
      expect(Math.abs(value - inside[channel]!), `${gutter} beside ${inside}`).toBeLessThanOrEqual(
        3,
      );
    });
  } finally {
    await shown.close();
  }
});
