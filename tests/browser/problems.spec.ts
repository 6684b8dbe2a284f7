// What went wrong, why, and what to do; names and contents that want to be more than that.
import { expect, test } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { keepPicture, watchPage } from './checks';
import { Drive, Server } from './server';

let drive: Drive;
let server: Server;

test.beforeAll(async () => {
  drive = await Drive.start('--scenario', 'scenario.json');
  server = await Server.start(drive);
  await server.imported(drive.link);
});
test.afterAll(async () => {
  await server?.end();
  await drive?.stop();
});

test('problems are grouped by reason, and exported', async ({ page }) => {
  const watched = watchPage(page, server.url);
  await page.goto(`${server.url}/problems`);
  for (const title of ['The bytes are not an image', 'The owner has switched off downloading', 'Downloaded too often lately']) {
    await expect(page.getByRole('heading', { name: title })).toBeVisible();
  }
  await expect(page.getByText('6 files')).toBeVisible();
  await expect(page.getByText(/Tried again by itself in/)).toBeVisible();
  await page.getByRole('button', { name: 'Show all 6' }).click();
  await expect(page.getByText('quota-000005.jpg')).toBeVisible();
  await keepPicture(page, 'problems');

  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const csv = readFileSync(await (await saved).path(), 'utf8');
  const lines = csv.trim().split('\r\n');
  expect(lines).toHaveLength(1 + 9);
  expect(csv).toContain('quota-000003.jpg,Later,deferred,download_quota_exceeded');
  // A spreadsheet takes none of the names for a formula.
  expect(csv).toContain(`"'=HYPERLINK(""https://evil.example"").jpg"`);
  expect(watched.problems).toEqual([]);
});

test('a failed group is retried, and done once its cause is gone', async ({ page }) => {
  const quota = await Drive.start('--scenario', 'quota.json');
  const other = await Server.start(quota);
  try {
    const job = await other.imported(quota.link);
    await page.goto(`${other.url}/problems`);
    await expect(page.getByRole('heading', { name: 'Downloaded too often lately' })).toBeVisible();
    // Still refused: the same group is back.
    await page.getByRole('button', { name: 'Retry these 6' }).click();
    await expect(page.getByText('6 images went back to the queue.')).toBeVisible();
    await expect.poll(async () => (await other.json<{ deferred: number }>(`/api/import/status/${job}?imported=0`)).deferred).toBe(6);
    await expect(page.getByRole('heading', { name: 'Downloaded too often lately' })).toBeVisible();
    await quota.faults();
    await page.getByRole('button', { name: 'Retry these 6' }).click();
    await expect(page.getByRole('heading', { name: 'This import has no problems' })).toBeVisible();
    expect((await other.json<{ total_images: number }>('/api/stats')).total_images).toBe(16);
  } finally {
    await other.end();
    await quota.stop();
  }
});

test('a folder without access names the account to share it with', async ({ page }) => {
  const message = 'Share it with robot@project.iam.gserviceaccount.com as Viewer; paste the whole link.';
  await page.route('**/api/import/google-drive', (route) =>
    route.fulfill({ status: 404, json: { error: 'Google Drive shows nothing for the folder x', code: 'not_found', remedy: message, request_id: 'r1' } }),
  );
  await page.goto(server.url);
  await page.getByLabel('Link to a Google Drive folder').fill('https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWx');
  await page.getByRole('button', { name: 'Check the folder' }).click();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText(message);
  await expect(alert.locator('code')).toHaveText('robot@project.iam.gserviceaccount.com');
  await keepPicture(page, 'no-access');
});

test('the server’s own refusal of a folder is shown with its remedy', async ({ page }) => {
  await page.goto(server.url);
  await page.getByLabel('Link to a Google Drive folder').fill('https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWx');
  await page.getByRole('button', { name: 'Import right away' }).click();
  await expect(page.getByRole('alert')).toContainText('Anyone with the link');
});

test('names show as text, wherever they are', async ({ page }) => {
  const watched = watchPage(page, server.url);
  await page.goto(`${server.url}/gallery`);
  const name = '<script>alert(1)</script>.jpg';
  await page.getByRole('button', { name: `Open ${name}` }).click();
  await expect(page.getByRole('heading', { name })).toBeVisible();
  await expect(page.getByRole('complementary').getByText(name).first()).toBeVisible();
  await page.keyboard.press('Escape');
  await page.goto(`${server.url}/gallery?q=${encodeURIComponent('"><img src=x onerror=alert(2)>')}`);
  await expect(page.getByRole('button', { name: 'Open "><img src=x onerror=alert(2)>.png' })).toBeVisible();
  await page.goto(`${server.url}/problems`);
  await expect(page.getByText('=HYPERLINK("https://evil.example").jpg')).toBeVisible();
  await keepPicture(page, 'hostile-names');
  expect(watched.problems).toEqual([]);
});

test('an SVG or a page that poses as an image never runs here', async ({ page, context }) => {
  const watched = watchPage(page, server.url);
  const { images } = await server.json<{ images: { id: number; name: string; mime_type: string }[] }>('/api/images?per_page=500');
  expect(images.some((image) => image.name === 'page.jpg'), 'a page is not stored as an image').toBe(false);
  const drawing = images.find((image) => image.name === 'drawing.svg');
  expect(drawing).toBeDefined();
  for (const image of images) {
    const { headers } = await fetch(`${server.url}/api/images/${image.id}/content`, { method: 'HEAD' });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain('sandbox');
    expect(headers.get('content-disposition')).toMatch(image === drawing ? /^attachment/ : /^inline/);
  }
  // Opened as a document it is a download; in a frame or an <img> it has no scripts.
  const saved = page.waitForEvent('download');
  await page.goto(`${server.url}/api/images/${drawing?.id}/content`).catch(() => undefined);
  expect((await saved).suggestedFilename()).toBe('drawing.svg');
  await page.goto(`${server.url}/gallery?image=${drawing?.id}`);
  await expect(page.getByRole('img', { name: 'Image drawing.svg' })).toBeVisible();
  await page.waitForTimeout(300);
  expect(context.pages()).toHaveLength(1);
  expect(watched.problems).toEqual([]);
});
