/// The list of all imports, newest first.
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { errorMessage } from "@/api/index.ts";
import { jobsQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { JobCard } from "./JobCard.tsx";
import classes from "./JobsPage.module.css";

export function JobsPage() {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(jobsQuery);
  const jobs = data?.pages.flatMap((page) => page.items);
  return (
    <div className={classes.page}>
      <title>Imports · imageferry</title>
      <div className={classes.head}>
        <h1>Imports</h1>
        <CommandLines what="this list" commands={{ curl: curl("GET", "/api/jobs"), cli: cli("jobs") }} />
      </div>
      {error && <p role="alert">{errorMessage(error)}</p>}
      {jobs?.length === 0 && (
        <p className={classes.none}>
          No imports yet. <Link to="/import">Import a folder</Link>.
        </p>
      )}
      <ul className={classes.list}>
        {jobs?.map((job) => (
          <li key={job.id}>
            <JobCard job={job} heading="h2" />
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <Button variant="default" onClick={() => void fetchNextPage()} loading={isFetchingNextPage}>
          Show older imports
        </Button>
      )}
    </div>
  );
}
