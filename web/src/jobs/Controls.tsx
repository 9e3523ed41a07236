/// Pause, resume, cancel, retry: what is possible now.
import { Button, Group, Modal, Text } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconRefresh, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Job } from "@/api/index.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { plural } from "@/shell/wording.ts";
import { can, useMove } from "./moves.ts";

export function Controls({ job }: { job: Job }) {
  const move = useMove(job.id);
  const [cancelling, setCancelling] = useState(false);
  const busy = (kind: string): boolean => move.isPending && move.variables.kind === kind;
  const cancel = (discard: boolean): void => {
    setCancelling(false);
    move.mutate({ kind: "cancel", discard });
  };
  return (
    <Group gap="xs">
      {can(job, "retry") && (
        <Button
          size="sm"
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={busy("retry")}
          onClick={() => move.mutate({ kind: "retry" })}
        >
          Retry
        </Button>
      )}
      {can(job, "resume") && (
        <Button
          size="sm"
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          loading={busy("resume")}
          onClick={() => move.mutate({ kind: "resume" })}
        >
          Resume
        </Button>
      )}
      {can(job, "pause") && (
        <Button
          size="sm"
          variant="default"
          leftSection={<IconPlayerPause size={16} aria-hidden />}
          loading={busy("pause")}
          onClick={() => move.mutate({ kind: "pause" })}
        >
          Pause
        </Button>
      )}
      {can(job, "cancel") && (
        <Button
          size="sm"
          variant="default"
          leftSection={<IconX size={16} aria-hidden />}
          loading={busy("cancel")}
          onClick={() => setCancelling(true)}
        >
          Cancel
        </Button>
      )}
      <CommandLines what="This job" lines={lines(job)} />
      <Modal
        opened={cancelling}
        onClose={() => setCancelling(false)}
        title="Cancel this import?"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <Text size="sm">{plural(job.stored, "picture is", "pictures are")} stored already.</Text>
        <Group mt="md" justify="flex-end">
          <Button variant="subtle" color="gray" onClick={() => setCancelling(false)}>
            Go on importing
          </Button>
          <Button variant="default" color="red" onClick={() => cancel(true)}>
            Discard them
          </Button>
          <Button data-autofocus onClick={() => cancel(false)}>
            Keep what is stored
          </Button>
        </Group>
      </Modal>
    </Group>
  );
}

const moves = (action: string, id: string): string[] =>
  action === "cancel" ? [cli(action, id), cli(action, id, "--discard")] : [cli(action, id)];

function lines(job: Job): { curl: string; cli: string } {
  const { id } = job;
  const actions = job.actions ?? [];
  const shown = [
    `${curl("GET", `/api/jobs/${id}`)}`,
    ...actions.map((action) => curl("POST", `/api/jobs/${id}/${action}`)),
  ];
  return {
    curl: shown.join("\n"),
    cli: [cli("jobs", id), ...actions.flatMap((action) => moves(action, id))].join("\n"),
  };
}
