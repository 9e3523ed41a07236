/// What somebody sees who never imported anything.
import { Button, Group } from "@mantine/core";
import { IconSailboat } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { beginDemo, sentence } from "@/api/index.ts";
import { systemQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import classes from "./FirstRun.module.css";

export function FirstRun() {
  const navigate = useNavigate();
  const { data: system } = useQuery(systemQuery);
  const demo = useMutation({
    mutationFn: async () => (await beginDemo()).data,
    onSuccess: ({ job_id }) => void navigate({ to: "/jobs/$jobId", params: { jobId: job_id } }),
  });
  return (
    <section className={classes.panel} aria-labelledby="first">
      <IconSailboat size={40} stroke={1.25} aria-hidden className={classes.mark} />
      <h2 id="first">Nothing imported yet</h2>
      <ol>
        <li>In Google Drive, open the folder, choose Share, and set it to “Anyone with the link”.</li>
        <li>Choose Copy link, and paste it above: you see what is in it before anything happens.</li>
        <li>Start. The pictures appear in the gallery as they arrive; you may close this page meanwhile.</li>
      </ol>
      {system?.demo.available && (
        <>
          <Group gap="xs" justify="center">
            <Button variant="light" onClick={() => demo.mutate()} loading={demo.isPending}>
              Try it with sample pictures
            </Button>
            <CommandLines what="The sample import" lines={{ curl: curl("POST", "/api/demo"), cli: cli("demo") }} />
          </Group>
          <p className={classes.note}>They come from this machine: no account, no network.</p>
          {demo.error && <p role="alert">{sentence(demo.error)}</p>}
        </>
      )}
    </section>
  );
}
