import { createTheme } from '@mantine/core'

/** Orange as bitcoin is, dark enough to be read on white and light enough on black (WCAG 1.4.3). */
export const theme = createTheme({
  primaryColor: 'orange',
  primaryShade: { light: 9, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
})
