/// The command palette: pages, commands and recent imports, found by name.
import { useMantineColorScheme } from "@mantine/core";
import { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
import { IconApi, IconBrightness, IconListCheck, IconPhoto, IconSearch, IconTransferIn } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { jobsQuery } from "@/api/queries.ts";
import { dateTime, jobName, STATE_LABELS } from "./format.ts";

const ICON = { size: 18, stroke: 1.5 };
const JOBS_MAX = 20;

export function CommandPalette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const { toggleColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const { data } = useInfiniteQuery(jobsQuery);
  useEffect(() => spotlight.open(), []);

  const jobs = (data?.pages[0]?.items ?? []).slice(0, JOBS_MAX);
  const actions: SpotlightActionData[] = [
    {
      id: "import",
      label: "New import",
      leftSection: <IconTransferIn {...ICON} />,
      onClick: () => void navigate({ to: "/import" }),
    },
    {
      id: "gallery",
      label: "Gallery",
      leftSection: <IconPhoto {...ICON} />,
      onClick: () => void navigate({ to: "/gallery" }),
    },
    {
      id: "jobs",
      label: "Imports",
      leftSection: <IconListCheck {...ICON} />,
      onClick: () => void navigate({ to: "/jobs" }),
    },
    {
      id: "scheme",
      label: "Toggle dark mode",
      leftSection: <IconBrightness {...ICON} />,
      onClick: () => toggleColorScheme(),
    },
    {
      id: "docs",
      label: "API reference",
      leftSection: <IconApi {...ICON} />,
      onClick: () => location.assign("/docs"),
    },
    ...jobs.map((job) => ({
      id: job.id,
      label: `Import: ${jobName(job)}`,
      leftSection: <IconListCheck {...ICON} />,
      description: `${STATE_LABELS[job.state]}, ${dateTime(job.created_at)}`,
      onClick: () => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id } }),
    })),
  ];
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      nothingFound="No commands match"
      highlightQuery
      scrollable
      maxHeight={420}
      onSpotlightClose={onClose}
      searchProps={{
        leftSection: <IconSearch {...ICON} aria-hidden />,
        placeholder: "Search commands",
        "aria-label": "Search commands",
      }}
    />
  );
}
