import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import { renderAt } from "@/shell/testing.tsx";

test("the search field keeps its focus while the search becomes part of the URL", async () => {
  renderAt("/gallery", {});
  const field = await screen.findByRole("searchbox", { name: "Search by name" });
  await userEvent.type(field, "d");
  // Longer than the field's debounce.
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(field).toHaveFocus();
  await userEvent.type(field, "sc");
  expect(screen.getByRole("searchbox", { name: "Search by name" })).toHaveValue("dsc");
});
