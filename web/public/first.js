// Before the first paint; a file of its own, for the page allows no inline script.

// Light or dark, so that nothing flashes.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // A browser that keeps nothing follows the system.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();

// What the view asks first, to the letter (see src/api/queries.ts), while its script is still on the way.
(() => {
  const asked = ["/api/jobs?limit=50"];
  if (location.pathname === "/gallery" && location.search === "")
    asked.push("/api/images?sort=-shown&page=1&per_page=60");
  for (const href of asked) {
    const link = { rel: "preload", as: "fetch", crossOrigin: "anonymous", href };
    document.head.append(Object.assign(document.createElement("link"), link));
  }
})();
