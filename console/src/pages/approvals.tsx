import { Button, Group, Table } from '@mantine/core'
import { IconChecks } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'

import { useAct } from '../api/act'
import { call, type Success } from '../api/client'
import type { Withdrawal } from '../api/types'
import { Amount } from '../parts/amount'
import { Copyable } from '../parts/copy'
import { Answer, Empty, Page } from '../parts/page'
import { ScrollTable } from '../parts/scroll-table'
import { Time } from '../parts/time'

export function Approvals() {
  const list = useQuery({
    queryKey: ['approvals'],
    queryFn: ({ signal }) => call<Success<Withdrawal[]>>('/admin/v1/approvals', { signal }),
    refetchInterval: 2_000,
    select: (answer) => answer.data,
  })
  const decide = (what: 'approve' | 'reject') => (id: string) =>
    call(`/admin/v1/approvals/${id}/${what}`, { method: 'POST', body: {} })
  const approve = useAct(decide('approve'), 'It is on its way')
  const reject = useAct(decide('reject'), 'It was given up, and nothing has left')
  return (
    <Page title="Approvals">
      <Answer of={list}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty icon={<IconChecks />} title="Nothing waits for you">
              A key can ask for approval above an amount: such withdrawals wait here, pending, with their money
              held.
            </Empty>
          ) : (
            <ScrollTable label="Withdrawals that wait" heads={['Recipient', 'Amount', 'Asked', '']}>
              {rows.map((row) => (
                <Table.Tr key={row.id}>
                  <Table.Td>
                    <Copyable text={row.recipient} what="recipient" />
                  </Table.Td>
                  <Table.Td>
                    <Amount msat={row.amount_sats * 1_000} />
                  </Table.Td>
                  <Table.Td>
                    <Time at={row.created_at} />
                  </Table.Td>
                  <Table.Td>
                    <Group gap="xs" wrap="nowrap">
                      <Button size="compact-sm" onClick={() => approve.mutate(row.id)}>
                        Approve
                      </Button>
                      <Button
                        size="compact-sm"
                        color="red"
                        variant="light"
                        onClick={() => reject.mutate(row.id)}
                      >
                        Reject
                      </Button>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </ScrollTable>
          )
        }
      </Answer>
    </Page>
  )
}
