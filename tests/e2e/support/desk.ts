import { expect, type Page } from 'playwright/test';

/** Windows in which everything must be within reach. */
export const screens = [
  { width: 1440, height: 900 },
  { width: 1280, height: 720 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
  { width: 844, height: 390 },
  // 1440 by 900 at 200 %.
  { width: 720, height: 450 },
];

/** The labeling screen as a test sees it. */
export const desk = (page: Page) => page.locator('[data-label-desk]');

/** Waits until a pair stands on screen; returns its lease. */
export async function shownLease(page: Page): Promise<string> {
  await expect(desk(page)).toHaveAttribute('data-phase', 'ready');
  return (await desk(page).getAttribute('data-lease')) ?? '';
}

/** Presses a key and waits until another pair, or none, is on screen. */
export async function pressAndGoOn(page: Page, key: string): Promise<void> {
  const before = await shownLease(page);
  await page.keyboard.press(key);
  await expect(desk(page)).not.toHaveAttribute('data-lease', before);
}

/** Waits until the server has everything this page has done. */
export async function allSent(page: Page): Promise<void> {
  await expect(page.locator('[data-unsent]')).toHaveAttribute('data-unsent', '0');
}
