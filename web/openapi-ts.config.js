// What the client is made from: the gateway's own description, but for the root paths of older clients.
import { readFileSync } from "node:fs";
import { defineConfig } from "@hey-api/openapi-ts";

const document = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8"));
const ours = Object.entries(document.paths).filter(([path]) => path.startsWith("/api/") || path === "/login");

for (const [, methods] of ours) {
  for (const operation of Object.values(methods)) {
    // FastAPI appends path and method to a route's name; the name says enough.
    operation.operationId = operation.operationId.split(/_api_|_login_/)[0];
  }
}

export default defineConfig({
  input: { ...document, paths: Object.fromEntries(ours) },
  output: { path: "src/api/generated", clean: true },
  plugins: [
    { name: "@hey-api/client-fetch", throwOnError: true },
    { name: "@hey-api/sdk", operations: { strategy: "flat" } },
    "@hey-api/typescript",
  ],
});
