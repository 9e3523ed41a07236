/// Entry point: mount the providers and the router, and connect to the event stream.
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "virtual:theme.css";
import "./shell/global.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/index.ts";
import { connectEventStream } from "./api/eventStream.ts";
import { makeRouter } from "./shell/routes.tsx";
import { theme } from "./shell/theme.ts";

const RETRIES_MAX = 3;
const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      // A 4xx response would be the same the next time.
      retry: (failureCount, error) => {
        const isClientError = error instanceof ApiError && error.status >= CLIENT_ERROR && error.status < SERVER_ERROR;
        return !isClientError && failureCount < RETRIES_MAX;
      },
    },
  },
});

connectEventStream(queryClient);

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root element.");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={makeRouter()} />
        <Notifications position="bottom-center" />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
