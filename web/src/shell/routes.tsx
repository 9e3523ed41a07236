/// Every view has a URL: here they are.
import {
  type RouterHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { GalleryPage } from "@/gallery/GalleryPage.tsx";
import { gallerySearch, lightboxSearch } from "@/gallery/search.ts";
import { ImportPage } from "@/import/ImportPage.tsx";
import { JobPage } from "@/jobs/JobPage.tsx";
import { JobsPage } from "@/jobs/JobsPage.tsx";
import { Broken, Frame, Nowhere } from "./Frame.tsx";

export interface ImportSearch {
  url?: string;
}

const importSearch = (given: Record<string, unknown>): ImportSearch =>
  typeof given.url === "string" && given.url ? { url: given.url } : {};

const root = createRootRoute({ component: Frame, notFoundComponent: Nowhere, errorComponent: Broken });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: ImportPage,
  validateSearch: importSearch,
});
const begin = createRoute({
  getParentRoute: () => root,
  path: "/import",
  component: ImportPage,
  validateSearch: importSearch,
});
const jobs = createRoute({ getParentRoute: () => root, path: "/jobs", component: JobsPage });
const job = createRoute({ getParentRoute: () => root, path: "/jobs/$jobId", component: JobPage });
const gallery = createRoute({
  getParentRoute: () => root,
  path: "/gallery",
  component: GalleryPage,
  validateSearch: gallerySearch,
});
// The lightbox lies over the gallery, which stays as it is beneath.
const lightbox = createRoute({
  getParentRoute: () => gallery,
  path: "$imageId",
  component: lazyRouteComponent(() => import("@/lightbox/Lightbox.tsx"), "Lightbox"),
  validateSearch: lightboxSearch,
});

const tree = root.addChildren([home, begin, jobs, job, gallery.addChildren([lightbox])]);

export function makeRouter(history?: RouterHistory) {
  return createRouter({ routeTree: tree, history, defaultPreload: false, scrollRestoration: false });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
