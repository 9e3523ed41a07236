/// The gateway, as the views see it: its calls, its records, and its refusals as sentences.
import { client } from "./generated/client.gen";
import type { ListImagesData } from "./generated/types.gen";

export * from "./generated/sdk.gen";
export type {
  Cause,
  Image,
  Deletion,
  ImageDetail,
  ImageFilter,
  ImagePage,
  ImportRequest,
  Item,
  Job,
  JobDetail,
  Preview,
} from "./generated/types.gen";

export type ImageQuery = NonNullable<ListImagesData["query"]>;

client.setConfig({ baseUrl: "", throwOnError: true, querySerializer: { array: { explode: true, style: "form" } } });

/** A refusal: one sentence for the reader, a stable code for the program. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(message: string, { status, code }: { status: number; code?: string | null }) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code ?? null;
  }
}

client.interceptors.error.use((error, response) => {
  if (!response)
    return isAbort(error) ? error : new Refusal("The gateway does not answer. Is it running?", { status: 0 });
  const problem = (typeof error === "object" && error !== null ? error : {}) as { detail?: unknown; code?: string };
  const told = typeof problem.detail === "string" ? problem.detail : `The gateway answered ${response.status}.`;
  return new Refusal(told, { status: response.status, code: problem.code });
});

/** Whether it is the gateway's refusal of this status. */
export const isRefused = (error: unknown, status: number): boolean =>
  error instanceof Refusal && error.status === status;

/** What to say of anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong.";
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
