/// What can be done to a job: each move's call, and the same from a terminal.
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import * as api from "@/api/index.ts";
import type { Cause, Job } from "@/api/index.ts";
import { settle } from "@/api/events.ts";
import { jobQuery } from "@/api/queries.ts";

export type Move =
  | { kind: "pause" }
  | { kind: "resume" }
  | { kind: "cancel"; discard: boolean }
  | { kind: "retry"; reasons?: Cause["reason"][]; item_ids?: number[] };

async function call(job_id: string, move: Move): Promise<Job> {
  const path = { job_id };
  switch (move.kind) {
    case "pause":
      return (await api.pause({ path })).data;
    case "resume":
      return (await api.resume({ path })).data;
    case "cancel":
      return (await api.cancel({ path, body: { discard: move.discard } })).data;
    case "retry":
      return (await api.retry({ path, body: { reasons: move.reasons ?? null, item_ids: move.item_ids ?? null } })).data;
  }
}

/** Whether a move is possible now. */
export const can = (job: Job, action: Job["actions"][number]): boolean => job.actions?.includes(action) ?? false;

export function useMove(job_id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (move: Move) => call(job_id, move),
    onSuccess: (job) => {
      settle(queries, job);
      void queries.invalidateQueries({ queryKey: jobQuery(job_id).queryKey });
      void queries.invalidateQueries({ queryKey: ["items", job_id] });
    },
    onError: (error) => notifications.show({ color: "red", message: api.sentence(error) }),
  });
}
