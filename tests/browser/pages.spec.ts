// Every page, in both themes: no violation of WCAG's rules, no error, no request elsewhere. Sizes and caching of files.
import { expect, test, type Page } from '@playwright/test';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectAccessible, keepPicture, watchPage } from './checks';
import { Drive, photos, Server } from './server';

let drive: Drive;
let server: Server;
let job = '';

test.beforeAll(async () => {
  drive = await Drive.start('--scenario', 'scenario.json');
  server = await Server.start(drive);
  job = await server.imported(drive.link);
});
test.afterAll(async () => {
  await server?.end();
  await drive?.stop();
});

const LINK = 'Link to a Google Drive folder';
const views: [string, (page: Page) => Promise<void>][] = [
  ['import', async (page) => {
    await page.goto(server.url);
    await expect(page.getByRole('heading', { name: 'Recent imports' })).toBeVisible();
  }],
  ['import-options', async (page) => {
    await page.goto(server.url);
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByLabel('PNG').check();
    await page.getByLabel(LINK).fill('https://example.org');
    await page.getByLabel('At least (MB)').fill('5');
    await page.getByLabel('At most (MB)').fill('1');
    await expect(page.getByText('The smallest size is greater')).toBeVisible();
  }],
  ['import-check', async (page) => {
    await page.goto(server.url);
    await page.getByLabel(LINK).fill(drive.link);
    await page.getByRole('button', { name: 'Check the folder' }).click();
    await expect(page.getByRole('region', { name: /^In / }).getByText('JPEG')).toBeVisible();
  }],
  ['import-refused', async (page) => {
    await page.goto(server.url);
    await page.getByLabel(LINK).fill('1AbCdEfGhIjKlMnOpQrStUvWx');
    await page.getByRole('button', { name: 'Check the folder' }).click();
    await expect(page.getByRole('alert')).toBeVisible();
  }],
  ['jobs', async (page) => {
    await page.goto(`${server.url}/jobs`);
    await expect(page.getByRole('article').first()).toBeVisible();
  }],
  ['job', async (page) => {
    await page.goto(`${server.url}/jobs/${job}`);
    await expect(page.getByRole('progressbar')).toBeVisible();
  }],
  ['no-such-job', async (page) => {
    await page.goto(`${server.url}/jobs/123e4567-e89b-42d3-a456-426614174000`);
    await expect(page.getByRole('heading', { level: 1, name: 'There is no such job' })).toBeVisible();
  }],
  ['problems', async (page) => {
    await page.goto(`${server.url}/problems`);
    await page.getByRole('button', { name: 'Show all 6' }).click();
    await expect(page.getByText('quota-000005.jpg')).toBeVisible();
  }],
  ['gallery', async (page) => {
    await page.goto(`${server.url}/gallery`);
    await expect(page.getByRole('gridcell').first()).toBeVisible();
    await page.getByRole('button', { name: /^Open/ }).first().focus();
    await page.keyboard.press(' ');
    await expect(page.getByRole('region', { name: '1 selected' })).toBeVisible();
  }],
  ['gallery-filters', async (page) => {
    await page.goto(`${server.url}/gallery`);
    await page.getByRole('button', { name: 'Filters' }).click();
    await expect(page.getByRole('heading', { name: 'Filters' })).toBeVisible();
  }],
  ['gallery-nothing', async (page) => {
    await page.goto(`${server.url}/gallery?q=nothing-is-called-so`);
    await expect(page.getByRole('heading', { name: 'Nothing matches' })).toBeVisible();
  }],
  ['viewer', async (page) => {
    await page.goto(`${server.url}/gallery?image=1&place=3`);
    await expect(page.getByRole('dialog')).toBeVisible();
  }],
  ['delete', async (page) => {
    await page.goto(`${server.url}/gallery`);
    await page.getByRole('button', { name: /^Open/ }).first().focus();
    await page.keyboard.press('Delete');
    await expect(page.getByRole('alertdialog')).toBeVisible();
  }],
  ['overview', async (page) => {
    await page.goto(`${server.url}/overview`);
    await expect(page.getByText('All services are well')).toBeVisible();
  }],
  ['overview-degraded', async (page) => {
    const health = { status: 'degraded', service: 'api-gateway', parts: { database: 'the database does not answer' } };
    await page.route('**/health', (route) => route.fulfill({ json: health }));
    await page.goto(`${server.url}/overview`);
    await expect(page.getByText('Some parts are away')).toBeVisible();
    await expect(page.getByText('The database does not answer')).toBeVisible();
    await page.unroute('**/health');
  }],
  ['theme-menu', async (page) => {
    await page.goto(`${server.url}/jobs`);
    await page.getByRole('button', { name: 'Theme' }).click();
    await expect(page.getByRole('menuitemradio', { name: 'Dark' })).toBeVisible();
  }],
  ['not-found', async (page) => {
    await page.goto(`${server.url}/no/such/page`);
    await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
  }],
];

for (const theme of ['light', 'dark'] as const) {
  test(`every page is accessible, ${theme}`, async ({ browser }) => {
    test.setTimeout(120_000);
    const page = await browser.newPage({ colorScheme: theme, viewport: { width: 1280, height: 800 } });
    const watched = watchPage(page, server.url);
    for (const [name, open] of views) {
      await test.step(name, async () => {
        await open(page);
        await expectAccessible(page);
        await keepPicture(page, `${name}-${theme}`);
      });
    }
    expect(watched.problems).toEqual([]);
    await page.close();
  });
}

test('on a phone nothing is wider than the screen, and everything can be reached', async ({ browser }) => {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  for (const [name, open] of views.filter(([one]) => ['import-options', 'import-check', 'jobs', 'job', 'problems', 'gallery', 'viewer', 'overview'].includes(one))) {
    await open(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(360);
    await expectAccessible(page);
    await keepPicture(page, `phone-${name}`);
  }
  await page.goto(server.url);
  for (const [name, path] of [['Jobs', '/jobs'], ['Gallery', '/gallery'], ['Problems', '/problems'], ['Overview', '/overview'], ['Import', '/']] as const) {
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).tap();
    await expect(page).toHaveURL(new RegExp(`${path}$`));
  }
  await page.close();
});

// A red dot.
const DOT = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');

test('thumbnails are shown where the server makes them, and the image itself where one fails', async ({ page }) => {
  const asked: string[] = [];
  await page.route('**/api/images/*/thumbnail?w=*', (route) => {
    asked.push(route.request().url());
    const id = Number(/images\/(\d+)\//.exec(route.request().url())?.[1]);
    if (id % 2 === 0) return route.fulfill({ status: 422, json: { error: 'not decodable', code: 'undecodable', remedy: '', request_id: '' } });
    return route.fulfill({ status: 200, contentType: 'image/png', body: DOT });
  });
  const content: string[] = [];
  page.on('request', (request) => {
    if (/\/content$/.test(request.url())) content.push(request.url());
  });
  await page.goto(`${server.url}/gallery`);
  const drawn = page.getByRole('grid').locator('img');
  await expect.poll(() => drawn.evaluateAll((list) => list.filter((img) => (img as HTMLImageElement).naturalWidth === 1).length)).toBeGreaterThan(5);
  await expect.poll(() => content.length).toBeGreaterThan(5);
  expect(content.every((url) => Number(/images\/(\d+)\//.exec(url)?.[1]) % 2 === 0)).toBe(true);
  expect(asked.every((url) => ['160', '320', '640'].includes(new URL(url).searchParams.get('w') ?? ''))).toBe(true);
});

test('the gallery shows thumbnails, and the viewer what browsers cannot show', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'imgimport-pictures.'));
  const files = readdirSync(photos, { recursive: true, encoding: 'utf8' });
  const types = ['heic', 'tif', 'gif', 'webp', 'png', 'jpg'];
  for (const type of types) copyFileSync(join(photos, files.find((file) => file.endsWith(`.${type}`)) ?? ''), join(folder, `picture.${type}`));
  const still = await Drive.start('--folder', folder);
  const own = await Server.start(still);
  try {
    await own.imported(still.link);
    const content: string[] = [];
    page.on('request', (request) => {
      if (/\/content$/.test(request.url())) content.push(request.url());
    });
    await page.goto(`${own.url}/gallery`);
    const drawn = page.getByRole('grid').locator('img');
    await expect.poll(() => drawn.evaluateAll((list) => list.filter((img) => (img as HTMLImageElement).naturalWidth > 100).length)).toBe(types.length);
    expect(await drawn.evaluateAll((list) => list.every((img) => (img as HTMLImageElement).src.includes('/thumbnail?w=')))).toBe(true);
    expect(content).toEqual([]);
    for (const type of ['heic', 'tif']) {
      await page.getByRole('button', { name: `picture.${type}` }).first().click();
      const large = page.getByRole('dialog').getByRole('img', { name: `Image picture.${type}` });
      await expect.poll(() => large.evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBeGreaterThan(250);
      await page.keyboard.press('Escape');
    }
  } finally {
    await own.end();
    await still.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('on a touch screen the viewer is swiped', async ({ browser }) => {
  const page = await browser.newPage({ viewport: { width: 390, height: 740 }, hasTouch: true, isMobile: true });
  await page.goto(`${server.url}/gallery`);
  const title = page.getByRole('dialog').getByRole('heading');
  // A tap that meets the grid while it is laid out anew is none.
  await expect(async () => {
    await page.getByRole('gridcell').nth(1).getByRole('button', { name: /^Open/ }).tap();
    await expect(title).toBeVisible({ timeout: 2_000 });
  }).toPass();
  const first = (await title.textContent()) ?? '';
  const session = await page.context().newCDPSession(page);
  const swipe = async (from: number, to: number) => {
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: from, y: 300 }] });
    await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: (from + to) / 2, y: 304 }] });
    await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: to, y: 306 }] });
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  await swipe(300, 80);
  await expect(title).not.toHaveText(first);
  await swipe(80, 300);
  await expect(title).toHaveText(first);
  await page.close();
});

test('the chosen theme stays, also over a reload', async ({ page }) => {
  await page.goto(server.url);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await expect.poll(ground).not.toBe(light);
  await page.reload();
  expect(await ground()).not.toBe(light);
});

function transfer(url: string, headers: Record<string, string> = {}): Promise<{ status: number; bytes: number; headers: Record<string, string | string[] | undefined> }> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes, headers: response.headers }));
    }).on('error', reject);
  });
}

test('the first load is under 250 KB gzipped; files are compressed, tagged, and cached for good where they may be', async ({ page }) => {
  const urls = new Set<string>();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (!pathname.startsWith('/api') && pathname !== '/health') urls.add(request.url());
  });
  await page.goto(server.url);
  await expect(page.getByRole('heading', { name: 'Recent imports' })).toBeVisible();
  await page.waitForLoadState('networkidle');
  let all = 0;
  for (const url of urls) {
    const file = await transfer(url, { 'Accept-Encoding': 'gzip' });
    expect(file.status, url).toBe(200);
    all += file.bytes;
    const hashed = new URL(url).pathname.startsWith('/assets/');
    expect(file.headers['cache-control'], url).toBe(hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (/\.(js|css)$/.test(url)) expect(file.headers.vary, url).toContain('Accept-Encoding');
    expect((await transfer(url, { 'Accept-Encoding': 'gzip', 'If-None-Match': String(file.headers.etag) })).status, url).toBe(304);
  }
  console.log(`first load: ${(all / 1000).toFixed(0)} KB gzipped in ${urls.size} files`);
  expect(all).toBeLessThan(250_000);

  const script = [...urls].find((url) => url.endsWith('.js') && url.includes('/assets/')) ?? '';
  const plain = await transfer(script);
  const gzip = await transfer(script, { 'Accept-Encoding': 'gzip' });
  const brotli = await transfer(script, { 'Accept-Encoding': 'gzip, deflate, br' });
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(brotli.headers['content-encoding']).toBe('br');
  expect(brotli.bytes).toBeLessThan(gzip.bytes);
  expect(gzip.bytes).toBeLessThan(plain.bytes / 2);
  expect(gzip.headers.etag).not.toBe(plain.headers.etag);
  expect((await transfer(script, { 'Accept-Encoding': 'gzip;q=0, br;q=0' })).headers['content-encoding']).toBeUndefined();
});

test('a page says when the server is away, and goes on when it is back', async ({ page }) => {
  await page.goto(`${server.url}/gallery`);
  await expect(page.getByRole('gridcell').first()).toBeVisible();
  const banner = page.getByText('The server does not answer. This page goes on by itself once it is back.');
  await expect(banner).toBeHidden();
  await server.down('SIGKILL');
  await expect(banner).toBeVisible({ timeout: 15_000 });
  await server.up();
  await expect(banner).toBeHidden({ timeout: 15_000 });
  await expect(page.getByRole('gridcell').first()).toBeVisible();
});

test('one port is enough for both, where the settings say so', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const port = String((probe.address() as AddressInfo).port);
  await new Promise((resolve) => probe.close(resolve));
  const one = await Server.start(null, { GATEWAY_PORT: port, FRONTEND_PORT: port });
  expect(one.url).toBe(one.api);
  expect((await transfer(`${one.url}/jobs`)).status).toBe(200);
  expect((await transfer(`${one.url}/api/stats`)).status).toBe(200);
  await one.end();
});

test('the app is on both ports, at every address of its own, and nowhere under /api', async () => {
  for (const origin of [server.url, server.api]) {
    const html = await transfer(`${origin}/jobs/anything`);
    expect(html.status).toBe(200);
    const policy = String(html.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(html.headers['x-frame-options']).toBe('DENY');
    expect((await transfer(`${origin}/api/nothing`)).status).toBe(404);
    expect((await transfer(`${origin}/assets/nothing.js`)).status).toBe(404);
  }
});
