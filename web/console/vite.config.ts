/** The console: built into dist/console, which the service serves. Relative paths, so that it works below any path. */
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: { outDir: '../../dist/console', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  oxc: { jsx: { importSource: 'preact' } },
});
