/// The layout around every view: the header with its navigation, and the dialogs that open over the page.
import { ActionIcon, Tooltip, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconHelp, IconMoon, IconPhoto, IconSearch, IconSun, IconTransferIn, IconListCheck } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type ErrorComponentProps, Link, Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { hasStatus } from "@/api/index.ts";
import { useEventStream } from "@/api/eventStream.ts";
import { jobsQuery } from "@/api/queries.ts";
import classes from "./AppLayout.module.css";
import { isActive, number, plural } from "./format.ts";
import { SignIn } from "./SignIn.tsx";
import { useShortcuts } from "./shortcuts.ts";

const CommandPalette = lazy(() =>
  import("./CommandPalette.tsx").then((module) => ({ default: module.CommandPalette })),
);
const ShortcutSheet = lazy(() => import("./ShortcutSheet.tsx").then((module) => ({ default: module.ShortcutSheet })));

const MODIFIER = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";

export function AppLayout() {
  const [dialog, setDialog] = useState<"palette" | "shortcuts" | null>(null);
  // "/" shows the same view as "/import": its link must be the active one there.
  const isHome = useLocation({ select: ({ pathname }) => pathname === "/" });
  useShortcuts({ openPalette: () => setDialog("palette"), openSheet: () => setDialog("shortcuts") });
  return (
    <div className={classes.layout}>
      <a href="#view" className={classes.skip}>
        Skip to content
      </a>
      <header className={classes.header}>
        <Link to="/" className={classes.brand} aria-label="imageferry, home">
          <img src="/icon.svg" alt="" width={26} height={26} />
          <span>imageferry</span>
        </Link>
        <nav aria-label="Main" className={classes.nav}>
          <Link to={isHome ? "/" : "/import"} className={classes.link}>
            <IconTransferIn size={17} aria-hidden />
            <span className={classes.wide}>New import</span>
            <span className={classes.narrow}>Import</span>
          </Link>
          <Link to="/gallery" className={classes.link}>
            <IconPhoto size={17} aria-hidden />
            <span>Gallery</span>
          </Link>
          <Link to="/jobs" className={classes.link}>
            <IconListCheck size={17} aria-hidden />
            <span>Imports</span>
            <ActiveCount />
          </Link>
        </nav>
        <div className={classes.tools}>
          <ConnectionStatus />
          <UnstyledButton className={classes.search} onClick={() => setDialog("palette")}>
            <IconSearch size={16} aria-hidden />
            <span>Commands</span> <kbd>{MODIFIER} K</kbd>
          </UnstyledButton>
          <Tooltip label="Keyboard shortcuts">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              onClick={() => setDialog("shortcuts")}
              aria-label="Keyboard shortcuts"
              className={classes.wide}
            >
              <IconHelp size={18} />
            </ActionIcon>
          </Tooltip>
          <ColorSchemeButton />
        </div>
      </header>
      <main id="view" className={classes.view} tabIndex={-1}>
        <ViewOrSignIn />
      </main>
      <Suspense>
        {dialog === "palette" && <CommandPalette onClose={() => setDialog(null)} />}
        {dialog === "shortcuts" && <ShortcutSheet onClose={() => setDialog(null)} />}
      </Suspense>
    </div>
  );
}

/** Whether the API's last response was 401. The answer stands while a request is pending, so that the form stays. */
function useNeedsSignIn(): boolean {
  const { error, isPending } = useInfiniteQuery(jobsQuery);
  const [lastAnswer, setLastAnswer] = useState(false);
  const needsSignIn = isPending ? lastAnswer : hasStatus(error, 401);
  if (needsSignIn !== lastAnswer) setLastAnswer(needsSignIn);
  return needsSignIn;
}

function ViewOrSignIn() {
  if (!useNeedsSignIn()) return <Outlet />;
  return (
    <div className={classes.page}>
      <SignIn />
    </div>
  );
}

/** The badge with the number of imports in progress. */
function ActiveCount() {
  const { data } = useInfiniteQuery(jobsQuery);
  const count = data?.pages.flatMap((page) => page.items).filter(isActive).length ?? 0;
  if (count === 0) return null;
  return (
    <span className={classes.count} title={`${plural(count, "import")} in progress`}>
      {number(count)}
      <span className="sr-only"> in progress</span>
    </span>
  );
}

/** Empty while the event stream is connected. */
function ConnectionStatus() {
  const { isConnected } = useEventStream();
  const needsSignIn = useNeedsSignIn();
  return (
    <span role="status" className={classes.connection}>
      {isConnected === false && !needsSignIn ? "Can't reach imageferry – reconnecting…" : ""}
    </span>
  );
}

function ColorSchemeButton() {
  // Without keepTransitions, Mantine injects a <style> element, which the Content Security Policy forbids.
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const other = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  const label = `Switch to ${other} mode`;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" onClick={() => setColorScheme(other)} aria-label={label}>
        {other === "light" ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function NotFoundPage() {
  return (
    <div className={classes.page}>
      <title>Page not found · imageferry</title>
      <h1>Page not found</h1>
      <p>
        <Link to="/">Go to the home page</Link>
      </p>
    </div>
  );
}

/** Shown when a view throws while it renders. */
export function ErrorPage({ error }: ErrorComponentProps) {
  return (
    <div className={classes.page} role="alert">
      <title>Something went wrong · imageferry</title>
      <h1>Something went wrong</h1>
      <p>
        <a href={location.href}>Reload</a>
      </p>
      <details>
        <summary>Details</summary>
        <p>{error instanceof Error ? error.message : String(error)}</p>
      </details>
    </div>
  );
}
