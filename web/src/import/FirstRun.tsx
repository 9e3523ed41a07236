/// Instructions for the first import, and the sample import.
import { Button, Group } from "@mantine/core";
import { IconSailboat } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { startDemoImport, errorMessage } from "@/api/index.ts";
import { systemQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import classes from "./FirstRun.module.css";

export function FirstRun() {
  const navigate = useNavigate();
  const { data: system } = useQuery(systemQuery);
  const demo = useMutation({
    mutationFn: async () => (await startDemoImport()).data,
    onSuccess: ({ job_id }) => void navigate({ to: "/jobs/$jobId", params: { jobId: job_id } }),
  });
  return (
    <section className={classes.panel} aria-labelledby="first-run">
      <IconSailboat size={40} stroke={1.25} aria-hidden className={classes.icon} />
      <h2 id="first-run">No imports yet</h2>
      <ol>
        <li>In Google Drive, share the folder as "Anyone with the link" and copy its link.</li>
        <li>Paste the link above. You'll see what will be imported before anything is copied.</li>
        <li>Start the import. Images appear in the gallery as they arrive. You can close this page at any time.</li>
      </ol>
      {system?.demo.available && (
        <>
          <Group gap="xs" justify="center">
            <Button variant="light" onClick={() => demo.mutate()} loading={demo.isPending}>
              Try it with sample images
            </Button>
            <CommandLines what="the sample import" commands={{ curl: curl("POST", "/api/demo"), cli: cli("demo") }} />
          </Group>
          <p className={classes.note}>The samples come from this machine. No account or network needed.</p>
          {demo.error && <p role="alert">{errorMessage(demo.error)}</p>}
        </>
      )}
    </section>
  );
}
