/// Paste a link, see what would be imported, begin.
import { Button, Collapse, Loader, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAdjustments, IconAlertCircle, IconCircleCheck, IconLink } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, lazy, Suspense, useEffect, useState } from "react";
import { beginImport, type ImportRequest, isRefused, sentence } from "@/api/index.ts";
import { checkQuery, jobsQuery, previewQuery } from "@/api/queries.ts";
import { JobCard } from "@/jobs/JobCard.tsx";
import { CommandLines, cli, curl, quoted } from "@/shell/CommandLines.tsx";
import { isUnderWay } from "@/shell/wording.ts";
import { FirstRun } from "./FirstRun.tsx";
import classes from "./ImportPage.module.css";
import { type Choices, flags } from "./choices.ts";
import { Plan } from "./Plan.tsx";

const Options = lazy(() => import("./Options.tsx").then((room) => ({ default: room.Options })));
const TYPING_MS = 250;
const ENDED_SHOWN_MAX = 3;

export function ImportPage() {
  const { url: given = "" } = useSearch({ strict: false }) as { url?: string };
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [link, setLink] = useState(given);
  const [choices, setChoices] = useState<Choices>({});
  const [choosing, setChoosing] = useState(false);
  const [typed] = useDebouncedValue(link.trim(), TYPING_MS);

  // The link is part of the view's URL, so that a plan can be sent to somebody else.
  useEffect(() => {
    if (typed !== given) void navigate({ to: ".", search: typed ? { url: typed } : {}, replace: true });
  }, [typed, given, navigate]);

  const check = useQuery(checkQuery(typed));
  const asked: ImportRequest = { folder_url: typed, ...choices };
  const plan = useQuery({ ...previewQuery(asked), enabled: check.isSuccess && typed !== "" });
  const start = useMutation({
    mutationFn: async () => (await beginImport({ body: { ...asked, folder_url: link.trim() } })).data,
    onSuccess: ({ job_id }) => {
      void queries.invalidateQueries({ queryKey: jobsQuery.queryKey });
      void navigate({ to: "/jobs/$jobId", params: { jobId: job_id } });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (link.trim() && !start.isPending) start.mutate();
  };
  const wrong = typed === "" ? null : (start.error ?? check.error ?? plan.error);
  const unfit = isRefused(check.error, 400);
  const settled = typed === link.trim();

  return (
    <div className={classes.page}>
      <title>Import · imageferry</title>
      <h1 className={classes.heading}>Import a Google Drive folder</h1>
      <p className={classes.lead}>Every image in it lands, verified, in your own store.</p>
      <form onSubmit={submit} className={classes.form}>
        <div className={classes.row}>
          <TextInput
            className={classes.field}
            size="md"
            label="The folder’s link"
            classNames={{ label: "sr-only" }}
            leftSection={<IconLink size={18} aria-hidden />}
            placeholder="https://drive.google.com/drive/folders/…"
            value={link}
            onChange={({ currentTarget }) => {
              setLink(currentTarget.value);
              start.reset();
            }}
            type="text"
            inputMode="url"
            autoComplete="off"
            spellCheck={false}
            maxLength={2048}
            required
            aria-describedby="verdict"
            aria-invalid={settled && wrong !== null}
          />
          <Button type="submit" size="md" loading={start.isPending} disabled={settled && unfit}>
            Start
          </Button>
          <CommandLines
            what="Import"
            lines={{
              curl: curl("POST", "/api/import/google-drive", { ...asked, folder_url: link.trim() || "…" }),
              cli: cli("import", quoted(link.trim() || "…"), ...flags(choices)),
            }}
          />
        </div>
        <p id="verdict" role="status" className={classes.verdict} data-wrong={wrong ? true : undefined}>
          {wrong ? (
            <>
              <IconAlertCircle size={17} aria-hidden /> {sentence(wrong)}
            </>
          ) : check.isSuccess && typed ? (
            <>
              {plan.isFetching ? <Loader size={14} aria-hidden /> : <IconCircleCheck size={17} aria-hidden />}
              {plan.isFetching
                ? " A Google Drive folder. Looking inside …"
                : " A Google Drive folder that can be imported."}
            </>
          ) : (
            "It must be shared as “Anyone with the link”. Nothing is changed in it."
          )}
        </p>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconAdjustments size={15} aria-hidden />}
          onClick={() => setChoosing(!choosing)}
          aria-expanded={choosing}
          aria-controls="options"
        >
          Options
        </Button>
        <Collapse expanded={choosing} id="options">
          <Suspense>{choosing && <Options choices={choices} onChange={setChoices} />}</Suspense>
        </Collapse>
      </form>
      {plan.data && typed && !wrong && (
        <Plan plan={plan.data} stale={plan.isPlaceholderData}>
          <CommandLines
            what="This plan"
            lines={{
              curl: curl("POST", "/api/import/preview", asked),
              cli: cli("import", quoted(typed), ...flags(choices), "--dry-run"),
            }}
          />
        </Plan>
      )}
      <Recent />
    </div>
  );
}

/** What is under way, and what ended last; to somebody who never imported anything, how to begin. */
function Recent() {
  const { data, hasNextPage } = useInfiniteQuery(jobsQuery);
  const jobs = data?.pages.flatMap((page) => page.items);
  if (!jobs) return null;
  if (jobs.length === 0 && !hasNextPage) return <FirstRun />;
  const active = jobs.filter(isUnderWay);
  const ended = jobs.filter((job) => !isUnderWay(job)).slice(0, ENDED_SHOWN_MAX);
  return (
    <>
      {active.length > 0 && (
        <section aria-labelledby="active" className={classes.jobs}>
          <h2 id="active">Under way</h2>
          {active.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
        </section>
      )}
      {ended.length > 0 && (
        <section aria-labelledby="ended" className={classes.jobs}>
          <h2 id="ended">Lately</h2>
          {ended.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
        </section>
      )}
    </>
  );
}
