// The gallery with 100,000 images: how long frames take while it is scrolled, and what it holds in memory.
import { expect, test, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, photos, Server } from './server';

const IMAGES = Number(process.env.IMGIMPORT_BENCH_IMAGES ?? 100_000);

interface Frames {
  median: number;
  p95: number;
  worst: number;
  late: number; // share of frames over 32 ms
}

// Moves the page for some seconds by `speed` px a second, and takes the time between frames.
async function scroll(page: Page, speed: number, seconds: number): Promise<Frames> {
  return page.evaluate(
    ([pxPerSecond, duration]) =>
      new Promise<Frames>((resolve) => {
        const times: number[] = [];
        let last = performance.now();
        const begin = last;
        const step = (now: number) => {
          times.push(now - last);
          window.scrollBy(0, (pxPerSecond * (now - last)) / 1000);
          last = now;
          if (now - begin < duration * 1000) return requestAnimationFrame(step);
          times.shift();
          times.sort((a, b) => a - b);
          const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
          return resolve({ median: at(0.5), p95: at(0.95), worst: at(1), late: times.filter((time) => time > 32).length / times.length });
        };
        requestAnimationFrame(step);
      }),
    [speed, seconds] as const,
  );
}

async function heap(page: Page): Promise<{ heap: number; nodes: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const nodes = await page.evaluate(() => document.getElementsByTagName('*').length);
  await session.detach();
  return { heap: usedSize / 2 ** 20, nodes };
}

test('scrolling', async ({ page }) => {
  const data = mkdtempSync(join(build, 'bench-scroll.'));
  execFileSync(join(build, 'seed_images'), [data, String(IMAGES), photos]);
  const server = await Server.start(null, { DATA_DIR: data });
  const print = (name: string, frames: Frames) =>
    console.log(
      `  ${name.padEnd(36)} ${frames.median.toFixed(1).padStart(6)} ms median ${frames.p95.toFixed(1).padStart(7)} ms 95 % ${frames.worst.toFixed(0).padStart(6)} ms worst ${(frames.late * 100).toFixed(0).padStart(4)} % over 32 ms`,
    );
  try {
    console.log(`gallery of ${IMAGES.toLocaleString('en')} images in Chromium ${page.context().browser()?.version()}, without a GPU`);
    await page.goto(`${server.url}/gallery`);
    await expect(page.getByRole('gridcell').first()).toBeVisible();
    await page.waitForTimeout(1500);
    const begin = await heap(page);
    const slow = await scroll(page, 1200, 6);
    print('reading (1,200 px/s)', slow);
    print('skimming (6,000 px/s)', await scroll(page, 6000, 6));
    print('flying (60,000 px/s)', await scroll(page, 60_000, 6));
    // From end to end by the scroll bar, in hundred jumps.
    await page.evaluate(async () => {
      const height = document.documentElement.scrollHeight - innerHeight;
      for (let i = 0; i <= 100; ++i) {
        window.scrollTo(0, (height * i) / 100);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    });
    await expect(page.getByRole('button', { name: 'Open IMG_000000.jpg' })).toBeVisible();
    await page.waitForTimeout(25_000); // pages that were left behind are let go
    const end = await heap(page);
    console.log(`  memory of scripts ${begin.heap.toFixed(1)} MiB at the beginning, ${end.heap.toFixed(1)} MiB at the end; ${begin.nodes} and ${end.nodes} elements`);
    expect(slow.median, 'median frame while reading').toBeLessThan(32);
    expect(end.heap, 'memory at the end').toBeLessThan(begin.heap + 24);
    expect(end.nodes).toBeLessThan(begin.nodes * 2);
  } finally {
    await server.end();
    rmSync(data, { recursive: true, force: true });
  }
});
