// From an empty server to a gallery of 1,000 photographs: check, import, live progress through a reload and a restart.
import { expect, test } from '@playwright/test';
import { existsSync } from 'node:fs';
import { expectAccessible, keepPicture, watchPage } from './checks';
import { Drive, photos, Server } from './server';

// Each goes on with what the one before has left.
test.describe.configure({ mode: 'serial' });

let drive: Drive;
let server: Server;

test.beforeAll(async () => {
  expect(existsSync(photos), `the photographs are in ${photos}`).toBe(true);
  drive = await Drive.start('--folder', photos);
  server = await Server.start(drive);
});
test.afterAll(async () => {
  await server?.end();
  await drive?.stop();
});

test('1,000 photographs: paste, check, import, reload, restart, gallery, viewer, delete', async ({ page }) => {
  test.setTimeout(120_000);
  const watched = watchPage(page, server.url);
  await page.goto(server.url);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Bring a Drive folder home');
  await keepPicture(page, 'import-empty');

  const link = page.getByLabel('Link to a Google Drive folder');
  await link.fill('https://drive.google.com/file/d/1AbC/view');
  await expect(page.getByText('This is the link of one file')).toBeVisible();
  await link.fill(drive.link);
  await expect(page.getByText('A folder of Google Drive.')).toBeVisible();

  await page.getByRole('button', { name: 'Check the folder' }).click();
  const result = page.getByRole('region', { name: /^In / });
  await expect(result.getByText('1,000', { exact: true })).toBeVisible();
  await expect(result.getByText('120 MB')).toBeVisible();
  for (const type of ['JPEG', 'PNG', 'WebP', 'TIFF', 'GIF']) await expect(result.getByText(type, { exact: true })).toBeVisible();
  await expect(result.getByText(/Takes (about|at most)/)).toBeVisible();
  await keepPicture(page, 'import-checked');
  expect((await server.json<{ total_images: number }>('/api/stats')).total_images).toBe(0);

  await drive.faults({ match: 'download', latency_ms: 1800 });
  await page.getByRole('button', { name: 'Import 1,000 images' }).click();
  await expect(page).toHaveURL(/\/jobs\/[0-9a-f-]{36}$/);
  const bar = page.getByRole('progressbar');
  const done = async () => Number(await bar.getAttribute('aria-valuenow'));
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await expect.poll(done, { timeout: 30_000 }).toBeGreaterThan(10);

  // A reload goes on where the job is; the chart keeps its past.
  const before = await done();
  await page.reload();
  await expect(bar).toBeVisible();
  await expect.poll(done).toBeGreaterThanOrEqual(before);
  await expect(page.getByRole('img', { name: /^Images a second: / })).toBeVisible();
  await expect(page.locator('.chart-line').first()).toBeVisible();
  await keepPicture(page, 'job-running');

  // A restart: the page says so, and goes on by itself.
  await expect.poll(done, { timeout: 30_000 }).toBeGreaterThan(25);
  await server.down('SIGKILL');
  await expect(page.getByText('The server does not answer; trying again…')).toBeVisible();
  await server.up();
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 20_000 });
  await drive.faults();
  await expect(page.locator('.badge', { hasText: 'Done' })).toBeVisible({ timeout: 60_000 });
  await expect(bar).toHaveAttribute('aria-valuenow', '100');
  await expect(page.getByText('1,000 of 1,000 images are safe', { exact: true })).toBeVisible();
  await expect(page.getByRole('status').getByText('Done: 1,000 of 1,000 images are safe.')).toBeVisible();
  await keepPicture(page, 'job-done');

  await page.getByRole('button', { name: 'Verify the stored images' }).click();
  await expect(page.getByText('All 1,000 images are there')).toBeVisible();

  await page.getByRole('link', { name: 'See the images' }).click();
  await expect(page.getByRole('status').filter({ hasText: '1,000 images' })).toBeVisible();
  const grid = page.getByRole('grid', { name: 'Images' });
  await expect.poll(() => grid.locator('img').evaluateAll((list) => list.filter((img) => (img as HTMLImageElement).naturalWidth > 0).length)).toBeGreaterThan(10);
  await keepPicture(page, 'gallery');

  // To the far end and back: only what is in sight is in the page.
  await page.keyboard.press('End');
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await expect.poll(() => grid.getByRole('row').last().getAttribute('aria-rowindex').then(Number)).toBeGreaterThan(100);
  expect(await grid.getByRole('gridcell').count()).toBeLessThan(150);
  await page.evaluate(() => window.scrollTo(0, 0));

  await page.getByRole('searchbox').fill('IMG_0007');
  await expect(grid.getByRole('gridcell')).toHaveCount(1);
  await grid.getByRole('button', { name: 'Open IMG_0007.png' }).click();
  const viewer = page.getByRole('dialog', { name: 'IMG_0007.png' });
  await expect(viewer.getByRole('img', { name: 'Image IMG_0007.png' })).toBeVisible();
  await expect(viewer.getByText('Matches Drive’s checksum')).toBeVisible();
  await keepPicture(page, 'viewer');
  const layer = page.locator('.picture-layer');
  await page.keyboard.press('+');
  await expect(layer).toHaveAttribute('style', /scale\(1\.4\)/);
  await page.keyboard.press('0');
  await expect(layer).toHaveAttribute('style', /scale\(1\)/);
  const download = page.waitForEvent('download');
  await page.keyboard.press('d');
  expect((await download).suggestedFilename()).toBe('IMG_0007.png');

  await page.keyboard.press('Delete');
  const question = page.getByRole('alertdialog', { name: 'Delete 1 image?' });
  await question.getByRole('button', { name: 'Delete 1 image' }).click();
  await expect(page.getByText('1 image deleted.')).toBeVisible();
  expect((await server.json<{ total_images: number }>('/api/stats')).total_images).toBe(999);

  await page.goto(`${server.url}/overview`);
  await expect(page.getByText('999', { exact: true })).toBeVisible();
  await expect(page.getByText('All services are well')).toBeVisible();
  await keepPicture(page, 'overview');
  expect(watched.problems).toEqual([]);
});

test('a photograph with a place has a link to a map, and its camera', async ({ page }) => {
  const { images } = await server.json<{ images: { id: number; latitude: number | null; camera: string | null }[] }>('/api/images?per_page=500');
  const placed = images.find((image) => image.latitude !== null && image.camera);
  expect(placed).toBeDefined();
  await page.goto(`${server.url}/gallery?image=${placed?.id}`);
  const facts = page.getByRole('complementary', { name: 'Information' });
  await expect(facts.getByText(placed?.camera ?? '')).toBeVisible();
  await expect(facts.getByRole('link', { name: 'Show on a map' })).toHaveAttribute('href', /^https:\/\/www\.openstreetmap\.org\/\?mlat=/);
});

test('the gallery is narrowed down by folder, camera and date', async ({ page }) => {
  const watched = watchPage(page, server.url);
  await page.goto(`${server.url}/gallery`);
  const count = page.getByRole('status').filter({ hasText: /images?$/ });
  await expect(count).toHaveText('999 images');
  const tree = page.getByRole('navigation', { name: 'Folders' });
  await tree.getByRole('button', { name: 'Dune 63' }).click();
  await expect(count).toHaveText('63 images');
  const year = tree.getByRole('button', { name: /^2019 \d/ });
  const inYear = Number((await year.textContent())?.replace('2019', ''));
  await year.click();
  await expect(count).toHaveText(`${inYear} images`);
  await keepPicture(page, 'gallery-folders');
  await expectAccessible(page);
  await page.reload();
  await expect(year).toHaveAttribute('aria-current', 'true');
  await tree.getByRole('button', { name: 'All folders' }).click();

  const { cameras } = await server.json<{ cameras: { camera: string; images: number }[] }>('/api/images/cameras');
  const camera = cameras[0];
  expect(camera).toBeDefined();
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByLabel('Camera').selectOption(camera?.camera ?? '');
  await expect(count).toHaveText(`${camera?.images} images`);
  await page.getByLabel('Taken from').fill('2020-01-01');
  await page.getByLabel('Taken until').fill('2020-12-31');
  const { total } = await server.json<{ total: number }>(
    `/api/images?per_page=1&taken_after=2020-01-01&taken_before=2020-12-31&camera=${encodeURIComponent(camera?.camera ?? '')}`,
  );
  expect(total).toBeGreaterThan(0);
  expect(total).toBeLessThan(camera?.images ?? 0);
  await expect(count).toHaveText(`${total} images`);
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(count).toHaveText('999 images');
  expect(watched.problems).toEqual([]);
});

test('many are selected by the mouse, also a range, and deleted together', async ({ page }) => {
  await page.goto(`${server.url}/gallery`);
  const tiles = page.getByRole('grid').getByRole('gridcell');
  await expect(tiles.first()).toBeVisible();
  await tiles.nth(0).hover();
  await tiles.nth(0).getByRole('button', { name: /^Select/ }).click();
  await tiles.nth(5).getByRole('button', { name: /^Open/ }).click({ modifiers: ['Shift'] });
  const bar = page.getByRole('region', { name: '6 selected' });
  await expect(bar).toBeVisible();
  await keepPicture(page, 'gallery-selected');
  const { total_images: before } = await server.json<{ total_images: number }>('/api/stats');
  await bar.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete 6 images' }).click();
  await expect(page.getByText('6 images deleted.')).toBeVisible();
  await expect(bar).toBeHidden();
  expect((await server.json<{ total_images: number }>('/api/stats')).total_images).toBe(before - 6);
});

test('without events, progress comes by polling', async ({ page }) => {
  await drive.faults({ match: 'download', latency_ms: 1200 });
  await page.route('**/api/import/*/events', (route) => route.abort());
  await page.goto(server.url);
  await page.getByLabel('Link to a Google Drive folder').fill(drive.link);
  await page.getByRole('button', { name: 'Options' }).click();
  await page.getByLabel('PNG').check();
  await page.getByRole('button', { name: 'Import right away' }).click();
  await expect(page.getByText('Every two seconds')).toBeVisible();
  await expect(page.locator('.badge', { hasText: 'Done' })).toBeVisible({ timeout: 30_000 });
  // 60 PNGs: those that were deleted are imported once more, the others are unchanged.
  await expect(page.getByText('60 of 60 images are safe', { exact: true })).toBeVisible();
  await drive.faults();
});

test('an import that is sent again after a lost answer is the same import', async ({ page }) => {
  const fresh = await Server.start(drive);
  try {
    await page.route('**/api/import/google-drive', async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    await page.goto(fresh.url);
    await page.getByLabel('Link to a Google Drive folder').fill(drive.link);
    await page.getByRole('button', { name: 'Import right away' }).click();
    await expect(page.getByRole('alert')).toContainText('The server does not answer.');
    await page.getByRole('button', { name: 'Import right away' }).click();
    await expect(page).toHaveURL(/\/jobs\/[0-9a-f-]{36}$/);
    expect((await fresh.json<{ jobs: unknown[] }>('/api/import/jobs')).jobs).toHaveLength(1);
  } finally {
    await fresh.end();
  }
});

test('several imports at once are watched together', async ({ page }) => {
  await drive.faults({ match: 'download', latency_ms: 6000 });
  const fresh = await Server.start(drive);
  try {
    const submit = (filters: object) =>
      fresh.json<{ job_id: string }>('/api/import/google-drive', { method: 'POST', body: JSON.stringify({ folder_url: drive.link, filters }) });
    await submit({ name_glob: 'IMG_00*' });
    await submit({ name_glob: 'IMG_01*' });
    await page.goto(`${fresh.url}/jobs`);
    await expect(page.getByRole('heading', { name: 'Under way' })).toBeVisible();
    await expect(page.getByRole('progressbar')).toHaveCount(2);
    await expect(page.getByRole('link', { name: 'Jobs' })).toContainText('2');
    await drive.faults();
    await expect(page.getByText('100 of 100 images')).toHaveCount(2);
    await expect(page.getByRole('heading', { name: 'Under way' })).toBeHidden();
  } finally {
    await fresh.end();
    await drive.faults();
  }
});

test('an import is cancelled, and taken up again', async ({ page }) => {
  await drive.faults({ match: 'download', latency_ms: 3000 });
  const fresh = await Server.start(drive);
  try {
    await page.goto(fresh.url);
    await page.getByLabel('Link to a Google Drive folder').fill(drive.link);
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByPlaceholder('IMG_*.jpg').fill('IMG_00*');
    await page.getByRole('button', { name: 'Import right away' }).click();
    await page.getByRole('button', { name: 'Cancel the import' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel the import' }).click();
    await expect(page.locator('.badge', { hasText: 'Cancelled' })).toBeVisible();
    await drive.faults();
    await page.getByRole('button', { name: 'Retry what is left' }).click();
    await expect(page.locator('.badge', { hasText: 'Done' })).toBeVisible({ timeout: 30_000 });
    await expect(page.getByText('100 of 100 images are safe', { exact: true })).toBeVisible();
  } finally {
    await fresh.end();
    await drive.faults();
  }
});
