// Signing in where the API asks for its token, and what foreign pages can do with the cookie.
import { expect, test } from '@playwright/test';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expectAccessible, keepPicture, watchPage } from './checks';
import { Drive, Server } from './server';

const TOKEN = 'correct-horse-battery-staple';
let drive: Drive;
let server: Server;
let foreign: HttpServer;
let foreignUrl = '';

test.beforeAll(async () => {
  drive = await Drive.start('--synthetic', '20x20000');
  server = await Server.start(drive, { API_TOKEN: TOKEN });
  // On the same host: SameSite alone would let it send the cookie.
  foreign = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>foreign</title>'));
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
});
test.afterAll(async () => {
  foreign?.close();
  await server?.end();
  await drive?.stop();
});

test('the token is traded for a cookie that scripts cannot read; everything works with it; signing out ends it', async ({ page, context }) => {
  const watched = watchPage(page, server.url);
  await page.goto(`${server.url}/jobs`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expectAccessible(page);
  await keepPicture(page, 'sign-in');
  const field = page.getByLabel('Token', { exact: true });
  await expect(field).toBeFocused();
  await field.fill('wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByText('That is not the token of this server.')).toBeVisible();
  await expectAccessible(page);
  await field.fill(TOKEN);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'No import yet' })).toBeVisible();

  const cookie = (await context.cookies()).find((one) => one.name === 'imgimport_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  expect(cookie?.value).not.toContain(TOKEN);
  expect(await page.evaluate(() => document.cookie)).toBe('');

  await page.reload();
  await page.getByRole('link', { name: 'Import', exact: true }).click();
  await page.getByLabel('Link to a Google Drive folder').fill(drive.link);
  await page.getByRole('button', { name: 'Import right away' }).click();
  await expect(page.locator('.badge', { hasText: 'Done' })).toBeVisible();
  await page.getByRole('link', { name: 'See the images' }).click();
  await expect(page.getByRole('gridcell')).toHaveCount(20);

  // A foreign page of the same host sends the cookie, and is refused all the same.
  const other = await context.newPage();
  await other.goto(foreignUrl);
  const { images } = await server.json<{ images: { id: number }[] }>('/api/images', { headers: { Authorization: `Bearer ${TOKEN}` } });
  const tried = await other.evaluate(
    async ([api, id]) => {
      const call = async (path: string, init: RequestInit) => {
        try {
          return String((await fetch(`${api}${path}`, { credentials: 'include', ...init })).status);
        } catch {
          return 'blocked';
        }
      };
      return [
        await call('/api/import/google-drive', { method: 'POST', mode: 'no-cors', body: '{"folder_url":"x"}' }),
        await call(`/api/images/${id}`, { method: 'DELETE' }),
        await call('/api/stats', {}),
        await call('/api/stats', { headers: { 'X-Requested-With': 'imgimport' } }),
      ];
    },
    [server.url, images[0]?.id] as const,
  );
  expect(tried).toEqual(['0', 'blocked', 'blocked', 'blocked']);
  const { jobs } = await server.json<{ jobs: unknown[] }>('/api/import/jobs', { headers: { Authorization: `Bearer ${TOKEN}` } });
  expect(jobs).toHaveLength(1);
  const refused = await fetch(`${server.url}/api/import/google-drive`, {
    method: 'POST',
    headers: { Origin: foreignUrl, Cookie: `imgimport_session=${cookie?.value}` },
    body: JSON.stringify({ folder_url: drive.link }),
  });
  expect(refused.status).toBe(403);
  await other.close();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.goto(`${server.url}/gallery`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  expect((await context.cookies()).some((one) => one.name === 'imgimport_session')).toBe(false);
  expect(watched.problems).toEqual([]);
});

test('a session that ends while the app is open leads back to the sign-in', async ({ page, context }) => {
  await page.goto(server.url);
  await page.getByLabel('Token', { exact: true }).fill(TOKEN);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Bring a Drive folder home' })).toBeVisible();
  await context.clearCookies();
  await page.getByRole('link', { name: 'Overview' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});
