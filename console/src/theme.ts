import { Anchor, createTheme, type CSSVariablesResolver } from '@mantine/core'

/** Orange as bitcoin is; what carries text is dark enough to be read (WCAG 1.4.3: 4.5 to 1). */
export const theme = createTheme({
  colors: {
    brand: [
      '#fff4e6',
      '#ffe8cc',
      '#ffd8a8',
      '#ffc078',
      '#ffa94d',
      '#ff922b',
      '#f76707',
      '#d9480f',
      '#b93c0a',
      '#8f2f08',
    ],
  },
  primaryColor: 'brand',
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: 'md',
  // A link inside a text must be told by more than its colour.
  components: { Anchor: Anchor.extend({ defaultProps: { underline: 'always' } }) },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
})

/** The library's own shades of some texts are too pale for small letters. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#4b5157',
    '--mantine-color-placeholder': '#5f666d',
    '--mantine-color-anchor': '#a83608',
    '--mantine-color-green-text': '#1e6b30',
    '--mantine-color-red-text': '#b02020',
    '--mantine-color-brand-light-color': '#8f2f08',
    '--mantine-color-green-light-color': '#1b5e2a',
    '--mantine-color-yellow-light-color': '#6b4200',
    '--mantine-color-red-light-color': '#8f1d1d',
    '--mantine-color-blue-light-color': '#0b4a80',
    '--mantine-color-gray-light-color': '#343a40',
  },
  dark: {
    '--mantine-color-dimmed': '#b3b3b3',
    '--mantine-color-placeholder': '#a0a0a0',
    '--mantine-color-anchor': '#ffa94d',
    '--mantine-color-brand-light-color': '#ffc078',
  },
})
