/// Before everything that the filters let through is deleted: so many, of which most were not looked at.
import { Button, Group, Modal, Text } from "@mantine/core";
import type { Selection } from "./selection.ts";

export interface DeleteAllProps {
  asked: Selection;
  onYes: () => void;
  onNo: () => void;
}

export function DeleteAll({ asked, onYes, onNo }: DeleteAllProps) {
  return (
    <Modal opened onClose={onNo} title={`Delete ${asked.words}?`} closeButtonProps={{ "aria-label": "Close" }}>
      <Text size="sm">
        All that is found by these filters goes, also what you have not seen, and out of the store, too. It cannot be
        undone; another import brings the files again.
      </Text>
      <Group mt="md" justify="flex-end">
        <Button data-autofocus variant="default" onClick={onNo}>
          Keep them
        </Button>
        <Button color="red" onClick={onYes}>
          Delete {asked.words}
        </Button>
      </Group>
    </Modal>
  );
}
