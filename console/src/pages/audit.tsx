// Whether the books hold, by themselves and against the node; and who did what.

import { Alert, Button, Card, Group, Stack, Table, Text } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'

import { useAct } from '../api/act'
import { call } from '../api/client'
import { useVerdict } from '../api/queries'
import type { AdminAct, Named } from '../api/types'
import { Amount } from '../parts/amount'
import { Answer, Page } from '../parts/page'
import { ScrollTable } from '../parts/scroll-table'
import { Time } from '../parts/time'
import { useServerState } from '../shell/halted'

export function Audit() {
  const verdict = useVerdict()
  const state = useServerState()
  const compare = useAct(
    () => call('/admin/v1/reconciliation?everything=true'),
    'Every payment that the node knows was compared',
  )
  const resume = useAct(() => call('/admin/v1/resume', { method: 'POST', body: {} }), 'Money moves again')
  return (
    <Page
      title="Audit"
      actions={
        <>
          {state.data?.halted && (
            <Button color="red" onClick={() => resume.mutate()} loading={resume.isPending}>
              Let money move again
            </Button>
          )}
          <Button variant="default" onClick={() => compare.mutate()} loading={compare.isPending}>
            Compare everything
          </Button>
        </>
      }
    >
      <Answer of={verdict}>
        {(found) => (
          <>
            <Alert
              color={found.clean ? 'green' : 'red'}
              icon={found.clean ? <IconCheck /> : <IconX />}
              title={found.clean ? 'The books and the node agree' : 'The books and the node differ'}
            >
              <Text size="sm">
                {found.payments_compared} payments compared. <Time at={found.checked_at} />
              </Text>
            </Alert>
            <Card withBorder>
              <Table>
                <Table.Tbody>
                  <Line name="Lightning, by the books" msat={found.books.lightning_float_msat} />
                  <Line name="Lightning, the node has at least" msat={found.node.at_least_msat} />
                  <Line name="Lightning, the node has at most" msat={found.node.at_most_msat} />
                  <Line name="In flight" msat={found.node.in_flight_msat} />
                  <Line name="The node's wallet, by the books" msat={found.books.node_wallet_msat} />
                  <Line name="The node's wallet" msat={found.node.wallet_msat} />
                </Table.Tbody>
              </Table>
            </Card>
            <Differences title="Unexplained" rows={found.unexplained} />
            <Differences title="Repaired by proof" rows={found.repaired} />
            <Differences title="On its way" rows={found.on_its_way} />
          </>
        )}
      </Answer>
      <Acts />
    </Page>
  )
}

function Line({ name, msat }: { name: string; msat: number }) {
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td ta="right">
        <Amount msat={msat} />
      </Table.Td>
    </Table.Tr>
  )
}

function Differences({ title, rows }: { title: string; rows: Named[] }) {
  if (rows.length === 0) return null
  return (
    <Card withBorder>
      <Text fw={600} component="h2">
        {title}
      </Text>
      <Stack gap="xs">
        {rows.map((row, index) => (
          <Group key={index} justify="space-between">
            <Text size="sm">{row.says}</Text>
            <Text className="code">{row.payment_hash}</Text>
          </Group>
        ))}
      </Stack>
    </Card>
  )
}

function Acts() {
  const acts = useQuery({
    queryKey: ['acts'],
    queryFn: ({ signal }) => call<AdminAct[] | { data: AdminAct[] }>('/admin/v1/acts?limit=50', { signal }),
    refetchInterval: 10_000,
    select: (answer) => (Array.isArray(answer) ? answer : answer.data),
  })
  return (
    <Card withBorder>
      <Text fw={600} component="h2">
        Who did what
      </Text>
      <Answer of={acts}>
        {(rows) => (
          <ScrollTable label="Administrative acts" heads={['Who', 'What', 'Answer', 'When']}>
            {rows.map((row) => (
              <Table.Tr key={row.id}>
                <Table.Td>{row.actor}</Table.Td>
                <Table.Td className="code">
                  {row.method} {row.path}
                </Table.Td>
                <Table.Td>{row.status ?? 'none'}</Table.Td>
                <Table.Td>
                  <Time at={row.asked_at} />
                </Table.Td>
              </Table.Tr>
            ))}
          </ScrollTable>
        )}
      </Answer>
    </Card>
  )
}
