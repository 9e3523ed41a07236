// Compress the built assets, and fail when the scripts of the first view are larger than the budget.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUILT = new URL("../../src/imageferry/gateway/static/", import.meta.url);
const GZIPPED_KB_MAX = 250;

const compressed = new Map();
for (const name of readdirSync(new URL("assets/", BUILT))) {
  const file = new URL(`assets/${name}`, BUILT);
  compressed.set(`assets/${name}`, gzipSync(readFileSync(file), { level: 9 }));
  writeFileSync(`${file.pathname}.gz`, compressed.get(`assets/${name}`));
}

const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", BUILT), "utf8"));
const chunks = new Set();
const addChunk = (name) => {
  if (chunks.has(name)) return;
  chunks.add(name);
  for (const next of manifest[name].imports ?? []) addChunk(next);
};
addChunk("index.html");

const sizes = [...chunks].map((name) => compressed.get(manifest[name].file).length);
const kb = sizes.reduce((sum, size) => sum + size, 0) / 1000;
console.log(`The first view loads ${kb.toFixed(0)} kB of script, gzipped (at most ${GZIPPED_KB_MAX}).`);
if (kb > GZIPPED_KB_MAX) process.exit(1);
