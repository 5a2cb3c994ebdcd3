// Rows of transactions, each a link to its page.

import { Anchor, Table, Text } from '@mantine/core'
import { Link, useNavigate } from 'react-router'

import type { Transaction } from '../api/types'
import { Amount } from './amount'
import { short } from './copy'
import { ScrollTable } from './scroll-table'
import { StatusBadge } from './status'
import { Time } from './time'

export function TransactionsTable({ rows }: { rows: Transaction[] }) {
  const navigate = useNavigate()
  return (
    <ScrollTable label="Transactions" heads={['What', 'Amount', 'Fee', 'State', 'When']}>
      {rows.map((row) => {
        const path = `/transactions/${row.type}/${row.id}`
        const isIn = row.type === 'deposit'
        return (
          <Table.Tr key={row.id} className="clickable" onClick={() => void navigate(path)}>
            <Table.Td>
              <Anchor component={Link} to={path} onClick={(event) => event.stopPropagation()} size="sm">
                {isIn ? 'Received' : 'Sent'}
              </Anchor>
              <Text className="code" c="dimmed">
                {short(row.recipient, 8)}
              </Text>
            </Table.Td>
            <Table.Td>
              <Amount
                msat={row.amount_sats * 1_000}
                sign={isIn ? '+' : '−'}
                {...(isIn && row.status === 'settled' ? { c: 'green' } : {})}
              />
            </Table.Td>
            <Table.Td>
              <Amount msat={row.fee_microsats / 1_000} size="sm" c="dimmed" />
            </Table.Td>
            <Table.Td>
              <StatusBadge status={row.status} />
            </Table.Td>
            <Table.Td>
              <Time at={row.created_at} />
            </Table.Td>
          </Table.Tr>
        )
      })}
    </ScrollTable>
  )
}
