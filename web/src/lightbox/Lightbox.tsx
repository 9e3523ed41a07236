/// One picture, as large as the screen, its neighbours beside it, and what is known of it.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import LightboxView, { type SlideImage } from "yet-another-react-lightbox";
import Zoom from "yet-another-react-lightbox/plugins/zoom";
import "yet-another-react-lightbox/styles.css";
import { IconDownload, IconInfoCircle, IconX } from "@tabler/icons-react";
import type { Image } from "@/api/index.ts";
import { imageQuery as oneQuery, PER_PAGE, pageQuery } from "@/api/queries.ts";
import { content, thumbnail } from "@/gallery/addresses.ts";
import { imageQuery, type LightboxSearch } from "@/gallery/search.ts";
import { isTyping, singleKeys } from "@/shell/shortcuts.ts";
import { Details } from "./Details.tsx";
import classes from "./Lightbox.module.css";

// What browsers show as it is; anything else is shown by its largest thumbnail.
const SHOWN = /^image\/(jpeg|a?png|gif|webp|avif|bmp|svg\+xml)$/;
const LARGEST_PX = 2048;

export function Lightbox() {
  const { imageId } = useParams({ from: "/gallery/$imageId" });
  const search = useSearch({ from: "/gallery/$imageId" });
  const navigate = useNavigate();
  const id = Number(imageId);
  const [informed, setInformed] = useState(() => window.innerWidth > 1000);
  const { images, at } = useNeighbours(id, search);
  const { data: image, error } = useQuery(oneQuery(id));

  // Of a picture that is not there, that is all there is to see.
  const told = informed || error !== null;
  const slides = useMemo(() => images.map(slide), [images]);
  const here = images.findIndex((each) => each.id === id);
  const { at: _, ...gallery } = search;
  const close = (): void => void navigate({ to: "/gallery", search: gallery });
  const view = (index: number): void => {
    const next = images[index];
    if (!next || next.id === id) return;
    const next_at = at === null ? undefined : at + index - here;
    void navigate({
      to: "/gallery/$imageId",
      params: { imageId: String(next.id) },
      search: { ...gallery, at: next_at },
      replace: true,
    });
  };

  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === "i" && singleKeys.on() && !isTyping(event) && !event.ctrlKey && !event.metaKey)
        setInformed((shown) => !shown);
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);

  return (
    <LightboxView
      open
      close={close}
      index={Math.max(0, here)}
      slides={slides}
      plugins={[Zoom]}
      className={told ? classes.informed : classes.plain}
      carousel={{ finite: true, preload: 1, padding: 0, imageProps: { draggable: false } }}
      animation={{ fade: 0, swipe: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 180 }}
      zoom={{ maxZoomPixelRatio: 4, scrollToZoom: true }}
      controller={{ closeOnPullDown: true }}
      on={{ view: ({ index }) => view(index) }}
      labels={{ Lightbox: image ? `Image: ${image.name}` : "Image", Previous: "Image before", Next: "Image after" }}
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
            key="informed"
            type="button"
            className="yarl__button"
            onClick={() => setInformed(!informed)}
            aria-pressed={informed}
            aria-label="What is known of it"
            title="What is known of it (I)"
          >
            <IconInfoCircle size={22} />
          </button>,
          "close",
        ],
      }}
      render={{
        iconClose: () => <IconX size={22} />,
        controls: () =>
          told && <Details image={image} error={error} onClose={error ? close : () => setInformed(false)} />,
        ...(images.length < 2 ? { buttonPrev: () => null, buttonNext: () => null } : {}),
      }}
    />
  );
}

/** The pictures around one, in the gallery's order; only itself when its place there is not known. */
function useNeighbours(id: number, search: LightboxSearch): { images: Image[]; at: number | null } {
  const query = useMemo(() => imageQuery(search), [search]);
  const { data: alone } = useQuery(oneQuery(id));
  const page = search.at === undefined ? null : Math.floor(search.at / PER_PAGE) + 1;
  const pages = page === null ? [] : [page - 1, page, page + 1].filter((each) => each >= 1);
  const loaded = useQueries({
    queries: pages.map((each) => pageQuery(query, each)),
    combine: (answers) => answers.flatMap(({ data }) => data?.items ?? []),
  });
  return useMemo(() => {
    if (loaded.some((image) => image.id === id)) return { images: loaded, at: search.at ?? null };
    return { images: alone ? [alone] : [], at: null };
  }, [loaded, alone, id, search.at]);
}

function slide(image: Image): SlideImage {
  const shown = SHOWN.test(image.mime_type);
  return {
    src: shown ? content(image) : thumbnail(image, LARGEST_PX),
    alt: image.name,
    ...(image.width && image.height ? { width: image.width, height: image.height } : {}),
  };
}
