// How every page begins, waits, fails and is empty.

import { Alert, Button, Center, Group, Loader, Stack, Text, ThemeIcon, Title } from '@mantine/core'
import { IconAlertCircle } from '@tabler/icons-react'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

export function Page({
  title,
  actions,
  children,
}: {
  title: string
  actions?: ReactNode
  children: ReactNode
}) {
  useDocumentTitle(`${title} · Leyden`)
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h2">
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}

interface Asked<T> {
  data: T | undefined
  error: Error | null
  isPending: boolean
  refetch: () => unknown
}

/** Shows what was asked for when it is there; until then that it comes, or why not. */
export function Answer<T>({ of, children }: { of: Asked<T>; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error !== null) return <Problem error={of.error} again={() => void of.refetch()} />
  return (
    <Center py="xl">
      <Loader aria-label="Loading" />
    </Center>
  )
}

export function Problem({ error, again }: { error: Error; again?: () => void }) {
  return (
    <Alert color="red" role="alert" icon={<IconAlertCircle />} title="That did not work">
      <Stack gap="xs" align="start">
        <Text size="sm">{error.message}</Text>
        {again && (
          <Button size="xs" variant="default" onClick={again}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

interface EmptyProps {
  icon: ReactNode
  title: string
  children: ReactNode
}

/** What there is nothing of yet, and how there will be some. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <Center py="xl">
      <Stack align="center" maw={420} gap="xs">
        <ThemeIcon variant="light" size={48} radius="xl">
          {icon}
        </ThemeIcon>
        <Text fw={600}>{title}</Text>
        <Text size="sm" c="dimmed" ta="center" component="div">
          {children}
        </Text>
      </Stack>
    </Center>
  )
}
