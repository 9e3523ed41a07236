/// A terminal job's receipt, as files.
import { Button, Group } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import type { Job } from "@/api/index.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import classes from "./Receipt.module.css";

export function Receipt({ job }: { job: Job }) {
  return (
    <section aria-labelledby="receipt" className={classes.receipt}>
      <h2 id="receipt">Receipt</h2>
      <p>Every file of the folder: its id, its object’s key, its size, its digest, and what became of it.</p>
      <Group gap="xs">
        {(["csv", "jsonl"] as const).map((kind) => (
          <Button
            key={kind}
            component="a"
            href={`/api/jobs/${job.id}/manifest.${kind}`}
            download
            variant="default"
            size="sm"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {kind === "csv" ? "CSV" : "JSON lines"}
          </Button>
        ))}
        <CommandLines
          what="The receipt"
          lines={{
            curl: curl("GET", `/api/jobs/${job.id}/manifest.csv`),
            cli: cli("manifest", job.id, "--csv"),
          }}
        />
      </Group>
    </section>
  );
}
