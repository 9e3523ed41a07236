/// The curl and imageferry commands that do the same as a part of the page.
import { ActionIcon, Code, CopyButton, Popover, Tooltip } from "@mantine/core";
import { IconCheck, IconCode, IconCopy } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { systemQuery } from "@/api/queries.ts";
import classes from "./CommandLines.module.css";

export interface Commands {
  curl: string;
  cli?: string;
}

export function CommandLines({
  what,
  commands,
  width = "min(34rem, 92vw)",
}: {
  /** Completes the label "Command line for ...". */
  what: string;
  commands: Commands;
  width?: string;
}) {
  const label = `Command line for ${what}`;
  return (
    <Popover width={width} position="bottom-end" shadow="md" withArrow trapFocus returnFocus withinPortal={false}>
      <Popover.Target>
        <Tooltip label="Command line">
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label}>
            <IconCode size={18} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <CommandList commands={commands} />
      </Popover.Dropdown>
    </Popover>
  );
}

function CommandList({ commands }: { commands: Commands }) {
  const { data: system } = useQuery(systemQuery);
  return (
    <>
      <Command
        program="curl"
        text={system?.auth ? commands.curl.replaceAll(/^curl/gm, `curl ${AUTHORIZATION}`) : commands.curl}
      />
      {commands.cli && (
        <Command
          program="imageferry"
          text={LOCAL_HOSTS.has(location.hostname) ? commands.cli : withServer(commands.cli)}
        />
      )}
    </>
  );
}

const AUTHORIZATION = '-H "Authorization: Bearer $IMAGEFERRY_API_TOKEN"';
const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Add --server, for readers whose machine is not the one that imageferry runs on. */
const withServer = (lines: string): string =>
  lines.replaceAll(/^imageferry (?!import|demo).*$/gm, (line) => `${line} --server ${location.origin}`);

function Command({ program, text }: { program: string; text: string }) {
  return (
    <div className={classes.command}>
      <div className={classes.head}>
        <span>{program}</span>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <ActionIcon
              variant="subtle"
              color="gray"
              onClick={copy}
              aria-label={copied ? "Copied" : `Copy the ${program} command`}
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

/** Quote a shell argument. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Return the curl command for an API call. */
export function curl(method: string, path: string, body?: object): string {
  const url = quoted(`${location.origin}${path}`);
  const verb = method === "GET" ? "" : `-X ${method} `;
  if (!body) return `curl ${verb}${url}`;
  return `curl ${verb}${url} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}`;
}

export const cli = (...words: string[]): string => ["imageferry", ...words].join(" ");
