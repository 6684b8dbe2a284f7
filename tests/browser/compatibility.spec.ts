// A web app of another origin, as it was written for the API's first version: it starts an import, polls the status
// every two seconds, shows pages of 20 images, and deletes.
import { expect, test } from '@playwright/test';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Drive, Server } from './server';

const PAGE = `<!doctype html><meta charset="utf-8"><title>Old app</title>
<input id="url"><button id="import">Import</button><p id="state"></p><p id="stats"></p><ul id="images"></ul>
<script>
  const API = new URLSearchParams(location.search).get('api');
  const $ = (id) => document.getElementById(id);
  const json = async (path, init) => {
    const response = await fetch(API + path, init);
    if (!response.ok) throw new Error(response.status);
    return response.json();
  };
  async function show() {
    const page = await json('/api/images?page=1&per_page=20');
    $('images').replaceChildren(...page.images.map((image) => {
      const item = document.createElement('li');
      const picture = new Image();
      picture.src = image.storage_path;
      const remove = document.createElement('button');
      remove.textContent = 'Delete ' + image.name;
      remove.onclick = async () => {
        const answer = await json('/api/images/' + image.id, { method: 'DELETE' });
        $('state').textContent = answer.message;
        await show();
      };
      item.append(image.name, ' ', String(image.size), ' ', image.storage_provider, picture, remove);
      return item;
    }));
    const stats = await json('/api/stats');
    $('stats').textContent = stats.total_images + ' images, ' + stats.total_size_mb + ' MB, ' + stats.local_images + ' local, page 1 of ' + page.total_pages;
  }
  $('import').onclick = async () => {
    try {
      const started = await json('/api/import/google-drive', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ folder_url: $('url').value }),
      });
      $('state').textContent = started.message;
      const timer = setInterval(async () => {
        const status = await json('/api/import/status/' + started.job_id);
        $('state').textContent = status.status + ': ' + status.processed + '/' + status.total + ', ' + status.failed + ' failed, ' + status.imported.length + ' imported';
        if (status.status !== 'completed' && status.status !== 'failed') return;
        clearInterval(timer);
        await show();
      }, 2000);
    } catch (error) {
      $('state').textContent = 'refused: ' + error.message;
    }
  };
</script>`;

let drive: Drive;
let server: Server;
let pages: HttpServer;
let port = 0;

test.beforeAll(async () => {
  pages = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(PAGE));
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  port = (pages.address() as AddressInfo).port;
  drive = await Drive.start('--synthetic', '45x20000');
  server = await Server.start(drive, { CORS_ORIGINS: `http://localhost:${port}` });
});
test.afterAll(async () => {
  pages?.close();
  await server?.end();
  await drive?.stop();
});

test('the old app of an allowed origin goes on working', async ({ page }) => {
  await page.goto(`http://localhost:${port}/?api=${server.api}`);
  await page.locator('#url').fill(drive.link);
  await page.locator('#import').click();
  await expect(page.locator('#state')).toHaveText('Import job started for 45 images');
  await expect(page.locator('#state')).toHaveText('completed: 45/45, 0 failed, 45 imported');
  await expect(page.locator('#stats')).toHaveText('45 images, 0.86 MB, 45 local, page 1 of 3');
  await expect(page.locator('#images li')).toHaveCount(20);
  await page.getByRole('button', { name: /^Delete/ }).first().click();
  await expect(page.locator('#state')).toHaveText('Image deleted successfully');
  await expect(page.locator('#stats')).toContainText('44 images');
  const response = await page.request.get(await page.locator('#images img').first().evaluate((img) => (img as HTMLImageElement).src));
  expect(response.headers()['content-type']).toBe('image/jpeg');
});

test('a page of an origin that is not allowed starts nothing', async ({ page }) => {
  const before = await server.json<{ jobs: unknown[] }>('/api/import/jobs');
  await page.goto(`http://127.0.0.1:${port}/?api=${server.api}`);
  await page.locator('#url').fill(drive.link);
  await page.locator('#import').click();
  await expect(page.locator('#state')).toContainText('refused');
  expect((await server.json<{ jobs: unknown[] }>('/api/import/jobs')).jobs).toHaveLength(before.jobs.length);
});
