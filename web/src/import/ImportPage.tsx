/// The start page: paste a link, see what would be imported, start the import.
import { Button, Collapse, Loader, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAdjustments, IconAlertCircle, IconCircleCheck, IconLink } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, lazy, Suspense, useEffect, useState } from "react";
import { startImport, errorMessage, hasStatus, type ImportRequest } from "@/api/index.ts";
import { checkQuery, jobsQuery, previewQuery } from "@/api/queries.ts";
import { JobCard } from "@/jobs/JobCard.tsx";
import { CommandLines, cli, curl, quoted } from "@/shell/CommandLines.tsx";
import { isActive } from "@/shell/format.ts";
import { FirstRun } from "./FirstRun.tsx";
import classes from "./ImportPage.module.css";
import { flags, type ImportOptions } from "./options.ts";
import { ImportPreview } from "./ImportPreview.tsx";
import { importLabel, previewSentence } from "./summary.ts";

const OptionsForm = lazy(() => import("./OptionsForm.tsx").then((module) => ({ default: module.OptionsForm })));
const DEBOUNCE_MS = 250;
const RECENT_MAX = 3;

export function ImportPage() {
  const { url: urlParam = "" } = useSearch({ strict: false }) as { url?: string };
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [input, setInput] = useState(urlParam);
  const [options, setOptions] = useState<ImportOptions>({});
  const [showsOptions, setShowsOptions] = useState(false);
  const [link] = useDebouncedValue(input.trim(), DEBOUNCE_MS);

  // Keep the link in the URL, so that the page can be shared with its preview.
  useEffect(() => {
    if (link !== urlParam) void navigate({ to: ".", search: link ? { url: link } : {}, replace: true });
  }, [link, urlParam, navigate]);

  const check = useQuery(checkQuery(link));
  const request: ImportRequest = { folder_url: link, ...options };
  const preview = useQuery({ ...previewQuery(request), enabled: check.isSuccess && link !== "" });
  const start = useMutation({
    mutationFn: async () => (await startImport({ body: { ...request, folder_url: input.trim() } })).data,
    onSuccess: ({ job_id }) => {
      void queryClient.invalidateQueries({ queryKey: jobsQuery.queryKey });
      void navigate({ to: "/jobs/$jobId", params: { jobId: job_id } });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (input.trim() && !start.isPending) start.mutate();
  };
  const error = link === "" ? null : (start.error ?? check.error ?? preview.error);
  const isInvalidLink = hasStatus(check.error, 400);
  const isDebounced = link === input.trim();
  // The preview of this very link and these options, not the previous one that is still on the screen.
  const currentPreview = isDebounced && link !== "" && !error && !preview.isPlaceholderData ? preview.data : undefined;

  return (
    <div className={classes.page}>
      <title>New import · imageferry</title>
      <h1 className={classes.heading}>Import a Google Drive folder</h1>
      <p className={classes.lead}>Copies every image into your own storage and verifies each one.</p>
      <form onSubmit={submit} className={classes.form}>
        <div className={classes.row}>
          <TextInput
            className={classes.field}
            size="md"
            label="Folder link"
            classNames={{ label: "sr-only" }}
            leftSection={<IconLink size={18} aria-hidden />}
            placeholder="https://drive.google.com/drive/folders/…"
            value={input}
            onChange={({ currentTarget }) => {
              setInput(currentTarget.value);
              start.reset();
            }}
            type="text"
            inputMode="url"
            autoComplete="off"
            spellCheck={false}
            maxLength={2048}
            required
            aria-describedby="link-status"
            aria-invalid={isDebounced && error !== null}
          />
          <Button type="submit" size="md" loading={start.isPending} disabled={isDebounced && isInvalidLink}>
            {currentPreview ? importLabel(currentPreview) : "Import"}
          </Button>
          <CommandLines
            what="this import"
            commands={{
              curl: curl("POST", "/api/import/google-drive", { ...request, folder_url: input.trim() || "…" }),
              cli: cli("import", quoted(input.trim() || "…"), ...flags(options)),
            }}
          />
        </div>
        <p id="link-status" role="status" className={classes.status} data-error={error ? true : undefined}>
          {error ? (
            <>
              <IconAlertCircle size={17} aria-hidden /> {errorMessage(error)}
            </>
          ) : check.isSuccess && link ? (
            <>
              {preview.isFetching || !preview.data ? (
                <Loader size={14} aria-hidden />
              ) : (
                <IconCircleCheck size={17} aria-hidden />
              )}{" "}
              {preview.isFetching || !preview.data ? "Reading the folder…" : previewSentence(preview.data)}
            </>
          ) : (
            'The folder must be shared as "Anyone with the link". Your folder is not changed.'
          )}
        </p>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconAdjustments size={15} aria-hidden />}
          onClick={() => setShowsOptions(!showsOptions)}
          aria-expanded={showsOptions}
          aria-controls="options"
        >
          Options
        </Button>
        <Collapse expanded={showsOptions} id="options">
          <Suspense>{showsOptions && <OptionsForm options={options} onChange={setOptions} />}</Suspense>
        </Collapse>
      </form>
      {preview.data && link && !error && (
        <ImportPreview preview={preview.data} isStale={preview.isPlaceholderData}>
          <CommandLines
            what="this preview"
            commands={{
              curl: curl("POST", "/api/import/preview", request),
              cli: cli("import", quoted(link), ...flags(options), "--dry-run"),
            }}
          />
        </ImportPreview>
      )}
      <RecentImports />
    </div>
  );
}

/** The imports in progress and the latest finished ones, or instructions when there were none. */
function RecentImports() {
  const { data, hasNextPage } = useInfiniteQuery(jobsQuery);
  const jobs = data?.pages.flatMap((page) => page.items);
  if (!jobs) return null;
  if (jobs.length === 0 && !hasNextPage) return <FirstRun />;
  const active = jobs.filter(isActive);
  const recent = jobs.filter((job) => !isActive(job)).slice(0, RECENT_MAX);
  return (
    <>
      {active.length > 0 && (
        <section aria-labelledby="active" className={classes.jobs}>
          <h2 id="active">In progress</h2>
          {active.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
        </section>
      )}
      {recent.length > 0 && (
        <section aria-labelledby="recent" className={classes.jobs}>
          <h2 id="recent">Recent</h2>
          {recent.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
        </section>
      )}
    </>
  );
}
