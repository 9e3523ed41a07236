/// The dialog that lists the keyboard shortcuts.
import { Kbd, Modal, Switch, Table } from "@mantine/core";
import { useState } from "react";
import classes from "./ShortcutSheet.module.css";
import { SHORTCUTS, singleKeys } from "./shortcuts.ts";

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const [isOn, setOn] = useState(singleKeys.isOn());
  return (
    <Modal opened onClose={onClose} title="Keyboard shortcuts" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Table verticalSpacing={4} horizontalSpacing={0}>
        <Table.Tbody>
          {SHORTCUTS.map(({ where, keys, does }, i) => (
            <Table.Tr key={`${where} ${keys}`}>
              <Table.Td c="dimmed" className={classes.where}>
                {SHORTCUTS[i - 1]?.where === where ? "" : where}
              </Table.Td>
              <Table.Td>
                <span className={classes.keys}>
                  {keys.split(", ").map((key) => (
                    <Kbd key={key} size="sm">
                      {key}
                    </Kbd>
                  ))}
                </span>
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label="Single-key shortcuts (?, /, 1, 2, 3, I)"
        checked={isOn}
        onChange={({ currentTarget: { checked } }) => {
          singleKeys.set(checked);
          setOn(checked);
        }}
      />
    </Modal>
  );
}
