/// The page begins here.
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "virtual:theme.css";
import "./shell/page.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refusal } from "./api/index.ts";
import { follow } from "./api/events.ts";
import { makeRouter } from "./shell/routes.tsx";
import { theme } from "./shell/theme.ts";

const TRIES_MAX = 3;
const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      // What the gateway refused it will refuse again.
      retry: (tries, error) => {
        const refused = error instanceof Refusal && error.status >= CLIENT_ERROR && error.status < SERVER_ERROR;
        return !refused && tries < TRIES_MAX;
      },
    },
  },
});

follow(queries);

const root = document.getElementById("root");
if (!root) throw new Error("The page has no root.");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={makeRouter()} />
        <Notifications position="bottom-center" />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
