// Generate the API client from openapi.json, without the root paths that only legacy clients use.
import { readFileSync } from "node:fs";
import { defineConfig } from "@hey-api/openapi-ts";

const document = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8"));
const paths = Object.entries(document.paths).filter(([path]) => path.startsWith("/api/") || path === "/login");

for (const [, methods] of paths) {
  for (const operation of Object.values(methods)) {
    // FastAPI appends path and method to the route's name. The name alone is unique.
    operation.operationId = operation.operationId.split(/_api_|_login_/)[0];
  }
}

export default defineConfig({
  input: { ...document, paths: Object.fromEntries(paths) },
  output: { path: "src/api/generated", clean: true },
  plugins: [
    { name: "@hey-api/client-fetch", throwOnError: true },
    { name: "@hey-api/sdk", operations: { strategy: "flat" } },
    "@hey-api/typescript",
  ],
});
