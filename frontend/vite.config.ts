import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: '/', // root-absolute: the app is served at any depth of its own addresses
  plugins: [react()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // no data: URLs in styles
    reportCompressedSize: false,
  },
  server: {
    // npm run dev: the API of a server that runs beside it
    proxy: { '/api': process.env.IMGIMPORT_URL ?? 'http://localhost:5000', '/health': process.env.IMGIMPORT_URL ?? 'http://localhost:5000' },
  },
  test: { include: ['src/**/*.test.ts'] },
});
