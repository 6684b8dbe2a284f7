import { defineConfig } from '@playwright/test';
import config from './playwright.config';

export default defineConfig(config, { testMatch: '*.bench.ts', timeout: 300_000, reporter: [['./bench_reporter.ts']] });
