/// One image at full size, with its neighbours and its details.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import LightboxView, { type SlideImage } from "yet-another-react-lightbox";
import Zoom from "yet-another-react-lightbox/plugins/zoom";
import "yet-another-react-lightbox/styles.css";
import { IconDownload, IconInfoCircle, IconX } from "@tabler/icons-react";
import type { Image } from "@/api/index.ts";
import { imageDetailQuery, PER_PAGE, pageQuery } from "@/api/queries.ts";
import { contentUrl, thumbnailUrl } from "@/gallery/imageUrls.ts";
import { imageQuery, type LightboxSearch } from "@/gallery/search.ts";
import { isTyping, singleKeys } from "@/shell/shortcuts.ts";
import { Details } from "./Details.tsx";
import classes from "./Lightbox.module.css";

// The types that browsers can show. Others are shown as their largest thumbnail.
const BROWSER_TYPES = /^image\/(jpeg|a?png|gif|webp|avif|bmp|svg\+xml)$/;
const THUMBNAIL_PX = 2048;

export function Lightbox() {
  const { imageId } = useParams({ from: "/gallery/$imageId" });
  const search = useSearch({ from: "/gallery/$imageId" });
  const navigate = useNavigate();
  const id = Number(imageId);
  const [showsDetails, setShowsDetails] = useState(() => window.innerWidth > 1000);
  const { images, index: galleryIndex } = useNeighbours(id, search);
  const { data: image, error } = useQuery(imageDetailQuery(id));

  // The details also show the error when the image can't be loaded.
  const hasDetails = showsDetails || error !== null;
  const slides = useMemo(() => images.map(slide), [images]);
  const current = images.findIndex((each) => each.id === id);
  const { at: _, ...gallerySearch } = search;
  const close = (): void => void navigate({ to: "/gallery", search: gallerySearch });
  const view = (index: number): void => {
    const next = images[index];
    if (!next || next.id === id) return;
    const at = galleryIndex === null ? undefined : galleryIndex + index - current;
    void navigate({
      to: "/gallery/$imageId",
      params: { imageId: String(next.id) },
      search: { ...gallerySearch, at },
      replace: true,
    });
  };

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === "i" && singleKeys.isOn() && !isTyping(event) && !event.ctrlKey && !event.metaKey)
        setShowsDetails((shown) => !shown);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);

  return (
    <LightboxView
      open
      close={close}
      index={Math.max(0, current)}
      slides={slides}
      plugins={[Zoom]}
      className={hasDetails ? classes.withDetails : classes.plain}
      carousel={{ finite: true, preload: 1, padding: 0, imageProps: { draggable: false } }}
      animation={{ fade: 0, swipe: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 180 }}
      zoom={{ maxZoomPixelRatio: 4, scrollToZoom: true }}
      controller={{ closeOnPullDown: true }}
      on={{ view: ({ index }) => view(index) }}
      labels={{
        Lightbox: image ? `Image: ${image.name}` : "Image",
        "Photo gallery": "Images",
        Previous: "Previous",
        Next: "Next",
      }}
      toolbar={{
        buttons: [
          <a
            key="download"
            className="yarl__button"
            href={`/api/images/${id}/content?download=1`}
            download
            aria-label="Download"
            title="Download"
          >
            <IconDownload size={22} />
          </a>,
          <button
            key="details"
            type="button"
            className="yarl__button"
            onClick={() => setShowsDetails(!showsDetails)}
            aria-pressed={showsDetails}
            aria-label="Details"
            title="Details (I)"
          >
            <IconInfoCircle size={22} />
          </button>,
          "close",
        ],
      }}
      render={{
        iconClose: () => <IconX size={22} />,
        controls: () =>
          hasDetails && <Details image={image} error={error} onClose={error ? close : () => setShowsDetails(false)} />,
        ...(images.length < 2 ? { buttonPrev: () => null, buttonNext: () => null } : {}),
      }}
    />
  );
}

/** Return the images around one, in the gallery's order; only the image itself when its index is not known. */
function useNeighbours(id: number, search: LightboxSearch): { images: Image[]; index: number | null } {
  const query = useMemo(() => imageQuery(search), [search]);
  const { data: image } = useQuery(imageDetailQuery(id));
  const page = search.at === undefined ? null : Math.floor(search.at / PER_PAGE) + 1;
  const pages = page === null ? [] : [page - 1, page, page + 1].filter((each) => each >= 1);
  const loaded = useQueries({
    queries: pages.map((each) => pageQuery(query, each)),
    combine: (results) => results.flatMap(({ data }) => data?.items ?? []),
  });
  return useMemo(() => {
    if (loaded.some((each) => each.id === id)) return { images: loaded, index: search.at ?? null };
    return { images: image ? [image] : [], index: null };
  }, [loaded, image, id, search.at]);
}

function slide(image: Image): SlideImage {
  const isShowable = BROWSER_TYPES.test(image.mime_type);
  return {
    src: isShowable ? contentUrl(image) : thumbnailUrl(image, THUMBNAIL_PX),
    alt: image.name,
    ...(image.width && image.height ? { width: image.width, height: image.height } : {}),
  };
}
