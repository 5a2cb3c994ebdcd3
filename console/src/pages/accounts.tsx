import { Button, Group, Table, TextInput } from '@mantine/core'
import { IconBuildingBank } from '@tabler/icons-react'
import { useState } from 'react'

import { useAct } from '../api/act'
import { call } from '../api/client'
import type { Account } from '../api/types'
import { Amount } from '../parts/amount'
import { Copyable } from '../parts/copy'
import { Answer, Empty, Page } from '../parts/page'
import { ScrollTable } from '../parts/scroll-table'
import { Time } from '../parts/time'
import { useAccounts, useChosen } from '../shell/account'

export function Accounts() {
  const list = useAccounts()
  const { choose, account } = useChosen()
  const [name, setName] = useState('')
  const make = useAct(
    (given: string) => call<Account>('/admin/v1/accounts', { method: 'POST', body: { name: given } }),
    'The account is there',
  )
  const close = useAct(
    (id: string) => call(`/admin/v1/accounts/${id}/close`, { method: 'POST', body: {} }),
    'The account is closed',
  )
  return (
    <Page title="Accounts">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate(name, { onSuccess: () => setName('') })
        }}
      >
        <Group align="end">
          <TextInput
            label="A new account"
            placeholder="Shop"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit" loading={make.isPending}>
            Make it
          </Button>
        </Group>
      </form>
      <Answer of={list}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty icon={<IconBuildingBank />} title="No account yet">
              An account holds one customer&apos;s balance. Its keys, endpoints and payments are its own.
            </Empty>
          ) : (
            <ScrollTable label="Accounts" heads={['Name', 'Id', 'Available', 'Held', 'Made', '']}>
              {rows.map((row) => (
                <Table.Tr key={row.id}>
                  <Table.Td>{row.name}</Table.Td>
                  <Table.Td>
                    <Copyable text={row.id} what="account id" />
                  </Table.Td>
                  <Table.Td>{row.balance_msat !== undefined && <Amount msat={row.balance_msat} />}</Table.Td>
                  <Table.Td>{row.held_msat !== undefined && <Amount msat={row.held_msat} />}</Table.Td>
                  <Table.Td>
                    <Time at={row.created_at} />
                  </Table.Td>
                  <Table.Td>
                    {row.closed_at !== null ? (
                      'closed'
                    ) : (
                      <Group gap="xs" wrap="nowrap">
                        <Button
                          size="compact-xs"
                          variant="default"
                          disabled={row.id === account?.id}
                          onClick={() => choose(row.id)}
                        >
                          Choose
                        </Button>
                        <Button
                          size="compact-xs"
                          color="red"
                          variant="light"
                          aria-label={`Close ${row.name}`}
                          onClick={() => close.mutate(row.id)}
                        >
                          Close
                        </Button>
                      </Group>
                    )}
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
