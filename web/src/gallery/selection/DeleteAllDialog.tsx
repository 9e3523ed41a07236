/// The confirmation before everything that matches the filters is deleted.
import { Button, Group, Modal, Text } from "@mantine/core";
import type { Selection } from "./selection.ts";

export interface DeleteAllDialogProps {
  selection: Selection;
  onConfirm: () => void;
  onCancel: () => void;
}

export function DeleteAllDialog({ selection, onConfirm, onCancel }: DeleteAllDialogProps) {
  const action = `Delete ${selection.description}`;
  return (
    <Modal opened onClose={onCancel} title={`${action}?`} closeButtonProps={{ "aria-label": "Close" }}>
      <Text size="sm">
        This deletes every image matching the filters, from your storage too – including ones you haven't scrolled to.
        It can't be undone, but you can import the folder again.
      </Text>
      <Group mt="md" justify="flex-end">
        <Button data-autofocus variant="default" onClick={onCancel}>
          Keep images
        </Button>
        <Button color="red" onClick={onConfirm}>
          {action}
        </Button>
      </Group>
    </Modal>
  );
}
