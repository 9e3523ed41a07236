import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { themeCss } from "./vite/theme-css.ts";

// The API for `npm run dev`: a running `imageferry serve`.
const API_URL = process.env.IMAGEFERRY_URL ?? "http://127.0.0.1:8000";

// Modules that only the lazily loaded forms need stay out of the shared chunk.
const SHARED_MODULES = /^(?!.*(SizeRange|\/(Combobox|Select|MultiSelect|NumberInput|Pill|PillsInput|TagsInput)\/))/;

export default defineConfig({
  plugins: [react(), themeCss()],
  resolve: { alias: { "@": new URL("src", import.meta.url).pathname } },
  server: { proxy: { "/api": { target: API_URL, changeOrigin: true } } },
  build: {
    outDir: "../src/imageferry/gateway/static",
    emptyOutDir: true,
    target: "es2022",
    // Inlined assets are data: URLs, which the Content Security Policy would have to allow.
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One shared chunk instead of a dozen small ones, each with its own request.
        codeSplitting: { groups: [{ name: "shared", test: SHARED_MODULES, minShareCount: 2 }] },
      },
    },
    // vite/first-load.js checks the size of the first view as a whole.
    chunkSizeWarningLimit: 800,
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "measure", environment: "node", include: ["e2e/measure.ts"], testTimeout: 1_800_000 },
      },
      {
        extends: true,
        test: { name: "screenshots", environment: "node", include: ["e2e/screenshots.ts"], testTimeout: 600_000 },
      },
      {
        extends: true,
        test: {
          name: "unit",
          environment: "jsdom",
          include: ["src/**/*.test.{ts,tsx}"],
          setupFiles: ["src/test-setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          environment: "node",
          include: ["e2e/**/*.e2e.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
