// Runs before the first paint. A separate file, because the Content Security Policy forbids inline scripts.

// Set the colour scheme early, so that the page doesn't flash.
(() => {
  let setting = null;
  try {
    setting = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Without local storage, follow the system.
  }
  const dark = setting === "dark" || (setting !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();

// Preload the view's first API responses while its script loads. The URLs must equal those of src/api/queries.ts.
(() => {
  const urls = ["/api/jobs?limit=50"];
  if (location.pathname === "/gallery" && location.search === "")
    urls.push("/api/images?sort=-date&page=1&per_page=60");
  for (const href of urls) {
    const link = { rel: "preload", as: "fetch", crossOrigin: "anonymous", href };
    document.head.append(Object.assign(document.createElement("link"), link));
  }
})();
