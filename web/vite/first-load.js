// The page's parts packed, beside them; how much script the first view needs: printed, and bounded.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUILT = new URL("../../src/imageferry/gateway/static/", import.meta.url);
const GZIPPED_KB_MAX = 250;

const packed = new Map();
for (const name of readdirSync(new URL("assets/", BUILT))) {
  const file = new URL(`assets/${name}`, BUILT);
  packed.set(`assets/${name}`, gzipSync(readFileSync(file), { level: 9 }));
  writeFileSync(`${file.pathname}.gz`, packed.get(`assets/${name}`));
}

const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", BUILT), "utf8"));
const needed = new Set();
const need = (name) => {
  if (needed.has(name)) return;
  needed.add(name);
  for (const next of manifest[name].imports ?? []) need(next);
};
need("index.html");

const sizes = [...needed].map((name) => packed.get(manifest[name].file).length);
const kb = sizes.reduce((sum, size) => sum + size, 0) / 1000;
console.log(`The first view loads ${kb.toFixed(0)} kB of script, gzipped (at most ${GZIPPED_KB_MAX}).`);
if (kb > GZIPPED_KB_MAX) process.exit(1);
