import { ActionIcon, CopyButton, Group, Text, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'

export function short(text: string, kept = 10): string {
  return text.length <= kept * 2 + 1 ? text : `${text.slice(0, kept)}…${text.slice(-kept)}`
}

/** A text in the font of code, and a button that copies all of it. */
export function Copyable({ text, what, whole = false }: { text: string; what: string; whole?: boolean }) {
  return (
    <Group gap={4} wrap="nowrap" align="start">
      <Text component="span" className="code" title={text}>
        {whole ? text : short(text)}
      </Text>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : `Copy ${what}`}>
            <ActionIcon variant="subtle" size="sm" color="gray" onClick={copy} aria-label={`Copy ${what}`}>
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  )
}
