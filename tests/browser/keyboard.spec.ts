// Every flow with the keyboard alone.
import { expect, test, type Page } from '@playwright/test';
import { watchPage } from './checks';
import { Drive, Server } from './server';

let drive: Drive;
let server: Server;

test.beforeAll(async () => {
  drive = await Drive.start('--scenario', 'quota.json');
  server = await Server.start(drive);
});
test.afterAll(async () => {
  await server?.end();
  await drive?.stop();
});

// Presses Tab until the element of that role and name has the focus; it can be seen to have it.
async function tabTo(page: Page, role: 'button' | 'link' | 'textbox' | 'searchbox' | 'checkbox' | 'combobox', name: string | RegExp, key = 'Tab'): Promise<void> {
  const target = page.getByRole(role, { name, exact: typeof name === 'string' }).first();
  await expect(target).toBeVisible();
  for (let i = 0; i < 60; ++i) {
    if (await target.evaluate((element) => element === document.activeElement)) {
      // The ring may be around the element or around what it stands in.
      const ring = await target.evaluate((element) => {
        for (let e: Element | null = element; e && e !== document.body; e = e.parentElement) if (getComputedStyle(e).outlineStyle !== 'none') return true;
        return false;
      });
      expect(ring, `a focus ring on ${name}`).toBe(true);
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`Tab never came to ${role} ${name}`);
}

test('import, watch, retry, look, select, delete, by keyboard', async ({ page }) => {
  const watched = watchPage(page, server.url);
  await page.goto(server.url);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await tabTo(page, 'textbox', 'Link to a Google Drive folder');
  await page.keyboard.type('not a link');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Link to a Google Drive folder' })).toHaveAttribute('aria-invalid', 'true');
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(drive.link);
  await tabTo(page, 'button', 'Options');
  await page.keyboard.press('Enter');
  await tabTo(page, 'checkbox', 'JPEG');
  await page.keyboard.press('Space');
  await tabTo(page, 'button', 'Check the folder');
  await page.keyboard.press('Enter');
  await tabTo(page, 'button', 'Import 16 images');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Done, with problems')).toBeVisible();

  await tabTo(page, 'link', 'See the problems');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Problems' })).toBeFocused();
  await drive.faults();
  await tabTo(page, 'button', 'Retry these 6');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'This import has no problems' })).toBeVisible();

  await tabTo(page, 'link', 'Gallery', 'Shift+Tab');
  await page.keyboard.press('Enter');
  const tiles = page.getByRole('grid').getByRole('button', { name: /^Open/ });
  await expect(tiles).toHaveCount(16);
  await expect(page.getByRole('heading', { level: 1, name: 'Gallery' })).toBeFocused();
  await tabTo(page, 'button', /^Open/);
  await expect(tiles.nth(0)).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(tiles.nth(1)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await expect(tiles.nth(1)).toBeFocused();
  await page.keyboard.press('Control+End');
  await expect(tiles.nth(15)).toBeFocused();
  await page.keyboard.press('Control+Home');
  await expect(tiles.nth(0)).toBeFocused();

  // One is enough of the tab order, however many tiles there are.
  expect(await page.getByRole('grid').locator('button[tabindex="0"]').count()).toBe(1);

  await page.keyboard.press('Enter');
  const viewer = page.getByRole('dialog');
  await expect(viewer).toBeVisible();
  const first = await viewer.getByRole('heading').textContent();
  await page.keyboard.press('ArrowRight');
  await expect(viewer.getByRole('heading')).not.toHaveText(first ?? '');
  await page.keyboard.press('ArrowLeft');
  await expect(viewer.getByRole('heading')).toHaveText(first ?? '');
  const info = page.getByRole('complementary', { name: 'Information' });
  await expect(info).toBeVisible();
  await page.keyboard.press('i');
  await expect(info).toBeHidden();
  await page.keyboard.press('i');
  await page.keyboard.press('Escape');
  await expect(viewer).toBeHidden();
  await expect(tiles.nth(0)).toBeFocused();

  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+Space');
  await expect(page.getByRole('region', { name: '3 selected' })).toBeVisible();
  await page.keyboard.press('Delete');
  const question = page.getByRole('alertdialog', { name: 'Delete 3 images?' });
  await expect(question).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(question).toBeHidden();
  await tabTo(page, 'button', 'Delete');
  await page.keyboard.press('Enter');
  await expect(question).toBeVisible();
  await tabTo(page, 'button', 'Delete 3 images');
  await page.keyboard.press('Enter');
  await expect(page.getByText('3 images deleted.')).toBeVisible();
  await expect(tiles).toHaveCount(13);

  await tabTo(page, 'button', 'Theme');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitemradio', { name: 'As the system' })).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(watched.problems).toEqual([]);
});
