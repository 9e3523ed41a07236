/// What the keys do.
import { Kbd, Modal, Switch, Table } from "@mantine/core";
import { useState } from "react";
import classes from "./ShortcutSheet.module.css";
import { SHORTCUTS, singleKeys } from "./shortcuts.ts";

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const [single, setSingle] = useState(singleKeys.on());
  return (
    <Modal opened onClose={onClose} title="Keyboard shortcuts" size="md" closeButtonProps={{ "aria-label": "Close" }}>
      <Table verticalSpacing={6} horizontalSpacing={0}>
        <Table.Tbody>
          {SHORTCUTS.map(({ where, keys, does }, i) => (
            <Table.Tr key={`${where} ${keys}`}>
              <Table.Td c="dimmed" className={classes.where}>
                {SHORTCUTS[i - 1]?.where === where ? "" : where}
              </Table.Td>
              <Table.Td>
                <Kbd size="sm">{keys}</Kbd>
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label="Single keys do something (?, /, 1, 2, 3, I)"
        checked={single}
        onChange={({ currentTarget: { checked } }) => {
          singleKeys.set(checked);
          setSingle(checked);
        }}
      />
    </Modal>
  );
}
