/// The HTTP API as the views use it: generated calls and types, and errors as sentences.
import { client } from "./generated/client.gen";
import type { ListImagesData } from "./generated/types.gen";

export * from "./generated/sdk.gen";
export type {
  DeletionRequest,
  Image,
  ImageDetail,
  ImageFilter,
  ImagePage,
  ImportRequest,
  Item,
  Job,
  JobDetail,
  Preview,
  ReasonCount,
} from "./generated/types.gen";

export type ImageQuery = NonNullable<ListImagesData["query"]>;

client.setConfig({ baseUrl: "", throwOnError: true, querySerializer: { array: { explode: true, style: "form" } } });

const UNREACHABLE = "Can't reach imageferry. Check that it's running.";
const UNKNOWN_ERROR = "Something went wrong. Reload the page and try again.";

/** A failed request. `message` is one sentence for the reader, `code` is the API's stable error code. */
export class ApiError extends Error {
  /** The HTTP status; 0 when there was no response. */
  readonly status: number;
  readonly code: string | null;

  constructor(message: string, { status, code }: { status: number; code?: string | null }) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code ?? null;
  }
}

client.interceptors.error.use((error, response) => {
  if (!response) return isAbort(error) ? error : new ApiError(UNREACHABLE, { status: 0 });
  const problem = (typeof error === "object" && error !== null ? error : {}) as { detail?: unknown; code?: string };
  const message =
    typeof problem.detail === "string"
      ? problem.detail
      : `imageferry couldn't complete the request (error ${response.status}).`;
  return new ApiError(message, { status: response.status, code: problem.code });
});

/** Whether the API answered with this HTTP status. */
export const hasStatus = (error: unknown, status: number): boolean =>
  error instanceof ApiError && error.status === status;

/** Return a sentence to show for anything that was thrown. Messages of other errors are not for readers. */
export function errorMessage(error: unknown): string {
  return error instanceof ApiError ? error.message : UNKNOWN_ERROR;
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
