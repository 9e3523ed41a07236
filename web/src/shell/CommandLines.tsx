/// The same action from a terminal: its curl line and its command line.
import { ActionIcon, Code, CopyButton, Popover, Tooltip } from "@mantine/core";
import { IconCheck, IconCode, IconCopy } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { systemQuery } from "@/api/queries.ts";
import classes from "./CommandLines.module.css";

export interface Lines {
  curl: string;
  cli?: string;
}

export function CommandLines({
  what,
  lines,
  width = "min(34rem, 92vw)",
}: {
  what: string;
  lines: Lines;
  width?: string;
}) {
  return (
    <Popover width={width} position="bottom-end" shadow="md" withArrow trapFocus returnFocus withinPortal={false}>
      <Popover.Target>
        <Tooltip label="From a terminal">
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`${what} from a terminal`}>
            <IconCode size={18} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={`${what} from a terminal`}>
        <Both lines={lines} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Both({ lines }: { lines: Lines }) {
  const { data: system } = useQuery(systemQuery);
  return (
    <>
      <Line name="HTTP" text={system?.auth ? lines.curl.replaceAll(/^curl/gm, `curl ${TOKEN}`) : lines.curl} />
      {lines.cli && <Line name="Command line" text={LOCAL.has(location.hostname) ? lines.cli : there(lines.cli)} />}
    </>
  );
}

const TOKEN = '-H "Authorization: Bearer $IMAGEFERRY_API_TOKEN"';
const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** On another machine than the gateway's, a command is told where that is. */
const there = (lines: string): string =>
  lines.replaceAll(/^imageferry (?!import|demo).*$/gm, (line) => `${line} --server ${location.origin}`);

function Line({ name, text }: { name: string; text: string }) {
  return (
    <div className={classes.line}>
      <div className={classes.head}>
        <span>{name}</span>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <ActionIcon
              variant="subtle"
              color="gray"
              onClick={copy}
              aria-label={copied ? "Copied" : `Copy the ${name} line`}
            >
              {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            </ActionIcon>
          )}
        </CopyButton>
      </div>
      <Code block className={classes.code} tabIndex={0}>
        {text}
      </Code>
    </div>
  );
}

export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A curl line that does what a call does. */
export function curl(method: string, path: string, body?: object): string {
  const url = quoted(`${location.origin}${path}`);
  const verb = method === "GET" ? "" : `-X ${method} `;
  if (!body) return `curl ${verb}${url}`;
  return `curl ${verb}${url} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}`;
}

export const cli = (...words: string[]): string => ["imageferry", ...words].join(" ");
