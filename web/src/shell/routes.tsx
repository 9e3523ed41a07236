/// The routes: every view has a URL.
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
import { AppLayout, ErrorPage, NotFoundPage } from "./AppLayout.tsx";

export interface ImportSearch {
  url?: string;
}

const importSearch = (params: Record<string, unknown>): ImportSearch =>
  typeof params.url === "string" && params.url ? { url: params.url } : {};

const root = createRootRoute({ component: AppLayout, notFoundComponent: NotFoundPage, errorComponent: ErrorPage });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: ImportPage,
  validateSearch: importSearch,
});
const newImport = createRoute({
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
// A child route of the gallery, so that the gallery stays mounted under the lightbox.
const lightbox = createRoute({
  getParentRoute: () => gallery,
  path: "$imageId",
  component: lazyRouteComponent(() => import("@/lightbox/Lightbox.tsx"), "Lightbox"),
  validateSearch: lightboxSearch,
});

const routeTree = root.addChildren([home, newImport, jobs, job, gallery.addChildren([lightbox])]);

export function makeRouter(history?: RouterHistory) {
  return createRouter({ routeTree, history, defaultPreload: false, scrollRestoration: false });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
