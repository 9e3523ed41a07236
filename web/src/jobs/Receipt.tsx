/// Downloads of a finished job's receipt.
import { Button, Group } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import type { Job } from "@/api/index.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import classes from "./Receipt.module.css";

export function Receipt({ job }: { job: Job }) {
  return (
    <section aria-labelledby="receipt" className={classes.receipt}>
      <h2 id="receipt">Receipt</h2>
      <p>A record of every file: ID, storage key, size, checksum and result.</p>
      <Group gap="xs">
        {(["csv", "jsonl"] as const).map((format) => (
          <Button
            key={format}
            component="a"
            href={`/api/jobs/${job.id}/manifest.${format}`}
            download
            variant="default"
            size="sm"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {format === "csv" ? "CSV" : "JSON Lines"}
          </Button>
        ))}
        <CommandLines
          what="the receipt"
          commands={{
            curl: curl("GET", `/api/jobs/${job.id}/manifest.csv`),
            cli: cli("manifest", job.id, "--csv"),
          }}
        />
      </Group>
    </section>
  );
}
