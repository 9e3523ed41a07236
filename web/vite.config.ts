import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { themeCss } from "./vite/theme-css.ts";

// Where a gateway answers while one works on the page: `npm run dev`, beside `imageferry serve`.
const GATEWAY = process.env.IMAGEFERRY_URL ?? "http://127.0.0.1:8000";

// Not what only forms need that are opened.
const NOT_OPENED = /^(?!.*(SizeRange|\/(Combobox|Select|MultiSelect|NumberInput|Pill|PillsInput|TagsInput)\/))/;

export default defineConfig({
  plugins: [react(), themeCss()],
  resolve: { alias: { "@": new URL("src", import.meta.url).pathname } },
  server: { proxy: { "/api": { target: GATEWAY, changeOrigin: true } } },
  build: {
    outDir: "../src/imageferry/gateway/static",
    emptyOutDir: true,
    target: "es2022",
    // Small files as data: URLs would only make the policy wider.
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What the first view shares with others comes in one file, and not in a dozen, each with a request of its own.
        codeSplitting: { groups: [{ name: "shared", test: NOT_OPENED, minShareCount: 2 }] },
      },
    },
    // first-load.js bounds what matters: all that the first view needs.
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
