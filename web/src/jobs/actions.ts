/// The actions on a job: pause, resume, cancel, retry.
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import * as api from "@/api/index.ts";
import type { ReasonCount, Job } from "@/api/index.ts";
import { applyJobUpdate } from "@/api/eventStream.ts";
import { jobQuery } from "@/api/queries.ts";

export type JobAction =
  | { kind: "pause" }
  | { kind: "resume" }
  | { kind: "cancel"; discard: boolean }
  | { kind: "retry"; reasons?: ReasonCount["reason"][]; item_ids?: number[] };

async function send(job_id: string, action: JobAction): Promise<Job> {
  const path = { job_id };
  switch (action.kind) {
    case "pause":
      return (await api.pauseJob({ path })).data;
    case "resume":
      return (await api.resumeJob({ path })).data;
    case "cancel":
      return (await api.cancelJob({ path, body: { discard: action.discard } })).data;
    case "retry":
      return (
        await api.retryJob({ path, body: { reasons: action.reasons ?? null, item_ids: action.item_ids ?? null } })
      ).data;
  }
}

/** Whether the job's state permits the action. */
export const can = (job: Job, action: Job["actions"][number]): boolean => job.actions?.includes(action) ?? false;

export function useJobAction(job_id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (action: JobAction) => send(job_id, action),
    onSuccess: (job) => {
      applyJobUpdate(queryClient, job);
      void queryClient.invalidateQueries({ queryKey: jobQuery(job_id).queryKey });
      void queryClient.invalidateQueries({ queryKey: ["items", job_id] });
    },
    onError: (error) => notifications.show({ color: "red", message: api.errorMessage(error) }),
  });
}
