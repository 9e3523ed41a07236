/// What stands around every view: the header, the way between views, and what opens over them.
import { ActionIcon, Tooltip, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconHelp, IconMoon, IconPhoto, IconSearch, IconSun, IconTransferIn, IconListCheck } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type ErrorComponentProps, Link, Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { isRefused, sentence } from "@/api/index.ts";
import { useSight } from "@/api/events.ts";
import { jobsQuery } from "@/api/queries.ts";
import classes from "./Frame.module.css";
import { SignIn } from "./SignIn.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { isUnderWay, plural } from "./wording.ts";

const CommandPalette = lazy(() => import("./CommandPalette.tsx").then((room) => ({ default: room.CommandPalette })));
const ShortcutSheet = lazy(() => import("./ShortcutSheet.tsx").then((room) => ({ default: room.ShortcutSheet })));

const MODIFIER = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";

export function Frame() {
  const [over, setOver] = useState<"palette" | "shortcuts" | null>(null);
  // The first view of all is the import's.
  const home = useLocation({ select: ({ pathname }) => pathname === "/" });
  useShortcuts({ openPalette: () => setOver("palette"), openSheet: () => setOver("shortcuts") });
  return (
    <div className={classes.frame}>
      <a href="#view" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.header}>
        <Link to="/" className={classes.brand} aria-label="imageferry, home">
          <img src="/icon.svg" alt="" width={26} height={26} />
          <span>imageferry</span>
        </Link>
        <nav aria-label="Views" className={classes.nav}>
          <Link to={home ? "/" : "/import"} className={classes.link}>
            <IconTransferIn size={17} aria-hidden />
            <span>Import</span>
          </Link>
          <Link to="/gallery" className={classes.link}>
            <IconPhoto size={17} aria-hidden />
            <span>Gallery</span>
          </Link>
          <Link to="/jobs" className={classes.link}>
            <IconListCheck size={17} aria-hidden />
            <span>Jobs</span>
            <UnderWay />
          </Link>
        </nav>
        <div className={classes.tools}>
          <Away />
          <UnstyledButton className={classes.search} onClick={() => setOver("palette")}>
            <IconSearch size={16} aria-hidden />
            <span>Commands</span> <kbd>{MODIFIER} K</kbd>
          </UnstyledButton>
          <Tooltip label="Keyboard shortcuts">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              onClick={() => setOver("shortcuts")}
              aria-label="Keyboard shortcuts"
              className={classes.wide}
            >
              <IconHelp size={18} />
            </ActionIcon>
          </Tooltip>
          <SchemeButton />
        </div>
      </header>
      <main id="view" className={classes.view} tabIndex={-1}>
        <Admitted />
      </main>
      <Suspense>
        {over === "palette" && <CommandPalette onClose={() => setOver(null)} />}
        {over === "shortcuts" && <ShortcutSheet onClose={() => setOver(null)} />}
      </Suspense>
    </div>
  );
}

/** Whether the gateway does not know who asks, as it last said: while it is asked again, that stands. */
function useIsStranger(): boolean {
  const { error, isPending } = useInfiniteQuery(jobsQuery);
  const [said, setSaid] = useState(false);
  const says = isPending ? said : isRefused(error, 401);
  if (says !== said) setSaid(says);
  return says;
}

/** The view; to somebody whom the gateway does not know, how to come in. */
function Admitted() {
  if (!useIsStranger()) return <Outlet />;
  return (
    <div className={classes.page}>
      <SignIn />
    </div>
  );
}

/** How many jobs are under way. */
function UnderWay() {
  const { data } = useInfiniteQuery(jobsQuery);
  const count = data?.pages.flatMap((page) => page.items).filter(isUnderWay).length ?? 0;
  if (count === 0) return null;
  return (
    <span className={classes.count} title={`${plural(count, "job")} under way`}>
      {count}
      <span className="sr-only"> under way</span>
    </span>
  );
}

/** Says so when the gateway is away; says nothing while all is well. */
function Away() {
  const { live } = useSight();
  const stranger = useIsStranger();
  return (
    <span role="status" className={classes.away}>
      {live === false && !stranger ? "Gateway away; trying again" : ""}
    </span>
  );
}

function SchemeButton() {
  // To keep transitions from running, a style would be written into the page.
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const other = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  return (
    <Tooltip label={`Change to ${other}`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        onClick={() => setColorScheme(other)}
        aria-label={`Change to ${other}`}
      >
        {other === "light" ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function Nowhere() {
  return (
    <div className={classes.page}>
      <h1>There is nothing here</h1>
      <p>
        No view has this address. <Link to="/">Begin anew</Link>.
      </p>
    </div>
  );
}

export function Broken({ error }: ErrorComponentProps) {
  return (
    <div className={classes.page} role="alert">
      <h1>This view broke</h1>
      <p>{sentence(error)}</p>
      <p>
        <a href={location.href}>Load it again</a>
      </p>
    </div>
  );
}
