import {
  Anchor,
  Button,
  Card,
  PasswordInput,
  Radio,
  Stack,
  Table,
  Text,
  useMantineColorScheme,
} from '@mantine/core'
import { useState } from 'react'

import { useAct } from '../api/act'
import { call } from '../api/client'
import { Answer, Page } from '../parts/page'
import { useServer } from '../shell/server'
import { useSession } from '../session/session'

export function Settings() {
  const server = useServer()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Page title="Settings">
      <Card withBorder maw={560}>
        <Answer of={server}>
          {(found) => (
            <Table>
              <Table.Tbody>
                <Row name="Version" value={found.version} />
                <Row name="Network" value={found.network} />
                <Row name="Hub" value={found.hub_path} />
              </Table.Tbody>
            </Table>
          )}
        </Answer>
        <Text size="sm" c="dimmed" mt="xs">
          Everything else is in the configuration file of the server: <code>leyden config check</code> shows it.
          For machines: <Anchor href="/openapi.json">the API&apos;s description</Anchor> and{' '}
          <Anchor href="/metrics">metrics</Anchor>.
        </Text>
      </Card>
      <Card withBorder maw={560}>
        <Radio.Group label="Colours" value={colorScheme} onChange={(value) => setColorScheme(value as 'auto')}>
          <Stack gap="xs" mt="xs">
            <Radio value="auto" label="As the system" />
            <Radio value="light" label="Light" />
            <Radio value="dark" label="Dark" />
          </Stack>
        </Radio.Group>
      </Card>
      <Password />
    </Page>
  )
}

function Row({ name, value }: { name: string; value: string }) {
  return (
    <Table.Tr>
      <Table.Th w={120}>{name}</Table.Th>
      <Table.Td>{value}</Table.Td>
    </Table.Tr>
  )
}

function Password() {
  const session = useSession()
  const [password, setPassword] = useState('')
  const name = session.data?.name ?? ''
  const change = useAct(
    () => call(`/admin/v1/users/${encodeURIComponent(name)}/password`, { method: 'PUT', body: { password } }),
    'The password is changed',
  )
  return (
    <Card withBorder maw={560}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate(undefined, { onSuccess: () => setPassword('') })
        }}
      >
        <Stack>
          <PasswordInput
            label="A new password"
            description="At least 12 characters"
            autoComplete="new-password"
            minLength={12}
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={change.isPending} w="fit-content">
            Change it
          </Button>
        </Stack>
      </form>
    </Card>
  )
}
