/// The theme: colours, fonts and component defaults.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const sea: MantineColorsTuple = [
  "#e7f5f8",
  "#d0e9ef",
  "#a0d3df",
  "#6dbccf",
  "#45a9c1",
  "#2b9db8",
  "#1a8ba6",
  "#0c7890",
  "#0a6275",
  "#064e5e",
];
// Greys with a blue-green tint.
const gray: MantineColorsTuple = [
  "#f5f7f8",
  "#ebeff1",
  "#dfe5e8",
  "#cdd6da",
  "#b3bfc5",
  "#8a99a1",
  "#677780",
  "#4d5c64",
  "#303c43",
  "#182126",
];
const dark: MantineColorsTuple = [
  "#d3dce0",
  "#b6c2c8",
  "#8fa0a8",
  "#6b7b83",
  "#44525a",
  "#313e45",
  "#253037",
  "#1a2328",
  "#141b20",
  "#10161a",
];

// lockScroll would inject a <style> element, which the Content Security Policy forbids. The header's implicit "banner" role
// would be the page's second.
const overlay = { defaultProps: { lockScroll: false, attributes: { header: { role: "presentation" } } } };

export const theme = createTheme({
  primaryColor: "sea",
  // White text has enough contrast on both.
  primaryShade: { light: 8, dark: 7 },
  colors: { sea, gray, dark },
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  headings: { fontWeight: "650" },
  components: {
    Modal: overlay,
    Drawer: overlay,
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Spotlight: { defaultProps: { lockScroll: false, attributes: { content: { "aria-label": "Commands" } } } },
    // Outside a portal, so that the tooltip stays in its landmark.
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true, withinPortal: false } },
  },
});

/** Variables for our style sheets, and Mantine's that we override. Text has a contrast of at least 4.5:1. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: { "--header-height": "3.25rem" },
  light: {
    "--mantine-color-body": "#f5f7f8",
    "--mantine-color-text": "#182126",
    "--mantine-color-dimmed": "#55646c",
    "--mantine-color-placeholder": "#64737b",
    "--mantine-color-anchor": "#0a6275",
    "--mantine-color-error": "#b3261e",
    "--card": "#ffffff",
    "--line": "#dfe5e8",
    "--well": "#e9eef0",
    "--good": "#1c6b45",
    "--alarm": "#b3261e",
    "--warn": "#8a5300",
    "--accent": "#0a6275",
    "--accent-soft": "#e1f1f5",
  },
  dark: {
    "--mantine-color-body": "#10161a",
    "--mantine-color-text": "#e4eaed",
    "--mantine-color-dimmed": "#9caab1",
    "--mantine-color-placeholder": "#91a0a8",
    "--mantine-color-anchor": "#6dbccf",
    "--mantine-color-error": "#ff9c8f",
    "--card": "#182025",
    "--line": "#2a353c",
    "--well": "#222c32",
    "--good": "#6fd3a0",
    "--alarm": "#ff9c8f",
    "--warn": "#f0bf6a",
    "--accent": "#6dbccf",
    "--accent-soft": "#12323a",
  },
});
