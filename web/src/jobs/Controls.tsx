/// The buttons for the actions that a job's state permits.
import { Button, Group, Modal, Text } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconRefresh, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Job } from "@/api/index.ts";
import { type Commands, CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { plural } from "@/shell/format.ts";
import { can, useJobAction } from "./actions.ts";
import classes from "./Controls.module.css";

export function Controls({ job }: { job: Job }) {
  const action = useJobAction(job.id);
  const [isConfirmingCancel, setConfirmingCancel] = useState(false);
  const isPending = (kind: string): boolean => action.isPending && action.variables.kind === kind;
  return (
    <Group gap="xs">
      {can(job, "retry") && (
        <Button
          size="sm"
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={isPending("retry")}
          onClick={() => action.mutate({ kind: "retry" })}
        >
          {job.failed > 0 ? `Retry ${plural(job.failed, "file")}` : "Retry"}
        </Button>
      )}
      {can(job, "resume") && (
        <Button
          size="sm"
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          loading={isPending("resume")}
          onClick={() => action.mutate({ kind: "resume" })}
        >
          Resume
        </Button>
      )}
      {can(job, "pause") && (
        <Button
          size="sm"
          variant="default"
          leftSection={<IconPlayerPause size={16} aria-hidden />}
          loading={isPending("pause")}
          onClick={() => action.mutate({ kind: "pause" })}
        >
          Pause
        </Button>
      )}
      {can(job, "cancel") && (
        <Button
          size="sm"
          variant="default"
          leftSection={<IconX size={16} aria-hidden />}
          loading={isPending("cancel")}
          onClick={() => setConfirmingCancel(true)}
        >
          Cancel
        </Button>
      )}
      <CommandLines what="this import" commands={commands(job)} />
      <CancelDialog
        job={job}
        isOpen={isConfirmingCancel && can(job, "cancel")}
        onClose={() => setConfirmingCancel(false)}
        onCancel={(discard) => {
          setConfirmingCancel(false);
          action.mutate({ kind: "cancel", discard });
        }}
      />
    </Group>
  );
}

interface CancelDialogProps {
  job: Job;
  isOpen: boolean;
  onClose: () => void;
  /** Cancel the job; with `discard`, delete the images that it stored. */
  onCancel: (discard: boolean) => void;
}

function CancelDialog({ job, isOpen, onClose, onCancel }: CancelDialogProps) {
  const images = plural(job.stored, "image");
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title="Cancel this import?"
      size="xl"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Text size="sm">
        {job.stored > 0
          ? `${plural(job.stored, "image has", "images have")} been imported so far. You can keep or delete them.`
          : "No images have been imported yet."}
      </Text>
      <div className={classes.choices}>
        <Button variant="subtle" color="gray" onClick={onClose}>
          Keep importing
        </Button>
        {job.stored > 0 && (
          <Button variant="default" color="red" onClick={() => onCancel(true)}>
            Cancel and delete {images}
          </Button>
        )}
        <Button data-autofocus onClick={() => onCancel(false)}>
          {job.stored > 0 ? `Cancel, keep ${images}` : "Cancel import"}
        </Button>
      </div>
    </Modal>
  );
}

function commands({ id, actions }: Job): Commands {
  const requests = (actions ?? []).map((action) => curl("POST", `/api/jobs/${id}/${action}`));
  const lines = (actions ?? []).flatMap((action) =>
    action === "cancel" ? [cli(action, id), cli(action, id, "--discard")] : [cli(action, id)],
  );
  return {
    curl: [curl("GET", `/api/jobs/${id}`), ...requests].join("\n"),
    cli: [cli("jobs", id), ...lines].join("\n"),
  };
}
