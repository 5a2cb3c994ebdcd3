import { Badge } from '@mantine/core'

const COLOURS: Record<string, string> = {
  settled: 'green',
  active: 'green',
  delivered: 'green',
  usable: 'green',
  pending: 'yellow',
  paused: 'yellow',
  waiting: 'yellow',
  blocked: 'yellow',
  failed: 'red',
  dead: 'red',
  disabled: 'red',
}

export function StatusBadge({ status }: { status: string }) {
  return (
    <Badge variant="light" color={COLOURS[status] ?? 'gray'} tt="none">
      {status}
    </Badge>
  )
}
