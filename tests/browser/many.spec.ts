// A filtered list longer than the server counts: what lies behind is reached by cursors, in both directions.
import { expect, test } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, photos, Server } from './server';

test('of 10,250 images that a filter finds, all can be looked at', async ({ page }) => {
  const data = mkdtempSync(join(build, 'browser-many.'));
  execFileSync(join(build, 'seed_images'), [data, '10250', photos]);
  const server = await Server.start(null, { DATA_DIR: data });
  try {
    await page.goto(`${server.url}/gallery?q=IMG_`);
    await expect(page.getByRole('button', { name: 'Open IMG_010249.jpg' })).toBeVisible();
    const count = page.getByRole('status').filter({ hasText: /images$/ });
    await expect(count).toHaveText(/^More than 10,\d00 images$/);
    await expect(async () => {
      await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
      await expect(page.getByRole('button', { name: 'Open IMG_000000.jpg' })).toBeVisible({ timeout: 700 });
    }).toPass();
    await expect(count).toHaveText('10,250 images');
    // The last row is not padded with images that are not there.
    await expect(page.getByRole('gridcell').last()).toContainText('IMG_000000.jpg');
    await page.evaluate(() => window.scrollTo(0, 0));
    await expect(page.getByRole('button', { name: 'Open IMG_010249.jpg' })).toBeVisible();
    await expect(count).toHaveText('10,250 images');
  } finally {
    await server.end();
    rmSync(data, { recursive: true, force: true });
  }
});
