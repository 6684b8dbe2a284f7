import { defineConfig } from '@playwright/test';
import { join } from 'node:path';

const build = process.env.IMGIMPORT_BUILD ?? join(process.cwd(), '../../build');

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: join(build, 'browser/results'),
  workers: 1, // server, emulator and browser share the machine
  timeout: 120_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: {
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    screenshot: 'only-on-failure',
    trace: 'off',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
    },
  },
});
