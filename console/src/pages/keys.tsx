import {
  Badge,
  Button,
  Checkbox,
  Group,
  Modal,
  NumberInput,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { useAct } from '../api/act'
import { call } from '../api/client'
import { useKeys } from '../api/queries'
import type { ApiKey } from '../api/types'
import { Answer, Empty, Page, Problem } from '../parts/page'
import { ScrollTable } from '../parts/scroll-table'
import { SecretOnce } from '../parts/secret-once'
import { Time } from '../parts/time'
import { useChosen } from '../shell/account'

const SCOPES = [
  { value: 'read', label: 'Read', description: 'balances, transactions, events' },
  { value: 'receive', label: 'Receive', description: 'make invoices and addresses' },
  { value: 'send', label: 'Send', description: 'withdraw, within the limits below' },
  { value: 'webhooks', label: 'Webhooks', description: 'endpoints and their deliveries' },
  { value: 'admin', label: 'Administer', description: 'keys and approvals of the account' },
]

export function Keys() {
  const { account } = useChosen()
  const list = useKeys()
  const [isOpen, { open, close }] = useDisclosure()
  const revoke = useAct(
    (id: string) => call(`/admin/v1/keys/${id}`, { method: 'DELETE' }),
    'The key is revoked',
  )
  return (
    <Page
      title="API keys"
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={open} disabled={account === undefined}>
          New key
        </Button>
      }
    >
      <Answer of={list}>
        {(all) => {
          const rows = all.filter((key) => key.account_id === account?.id)
          if (rows.length === 0) {
            return (
              <Empty icon={<IconKey />} title="No keys yet">
                A program uses a key to speak for this account.
              </Empty>
            )
          }
          return (
            <ScrollTable label="API keys" heads={['Key', 'May', 'Limits', 'Made', '']}>
              {rows.map((key) => (
                <KeyRow key={key.id} row={key} revoke={() => revoke.mutate(key.id)} />
              ))}
            </ScrollTable>
          )
        }}
      </Answer>
      <NewKey isOpen={isOpen} close={close} account={account?.id} />
    </Page>
  )
}

function limits(key: ApiKey): string {
  const sat = (amount: number) => `${amount.toLocaleString('en')} sat`
  const all = [
    key.max_payment_sats !== null && `${sat(key.max_payment_sats)} a payment`,
    ...key.budgets.map(({ limit_sats, seconds }) => `${sat(limit_sats)} in ${seconds / 3_600} h`),
    key.approval_above_sats !== null && `approval above ${sat(key.approval_above_sats)}`,
    key.networks.length > 0 && `from ${key.networks.join(', ')}`,
  ]
  return all.filter(Boolean).join('; ') || 'none'
}

function KeyRow({ row, revoke }: { row: ApiKey; revoke: () => void }) {
  return (
    <Table.Tr>
      <Table.Td>
        {row.name}
        <Text size="xs" c="dimmed">
          number {row.id}
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {row.scopes.map((scope) => (
            <Badge key={scope} variant="light" tt="none">
              {scope}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{limits(row)}</Text>
      </Table.Td>
      <Table.Td>
        <Time at={row.created_at} />
      </Table.Td>
      <Table.Td>
        {row.revoked_at === null ? (
          <Button
            size="compact-xs"
            color="red"
            variant="light"
            onClick={revoke}
            aria-label={`Revoke ${row.name}`}
          >
            Revoke
          </Button>
        ) : (
          'revoked'
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function NewKey({
  isOpen,
  close,
  account,
}: {
  isOpen: boolean
  close: () => void
  account: string | undefined
}) {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState(['read', 'receive'])
  const [most, setMost] = useState<number | string>('')
  const [daily, setDaily] = useState<number | string>('')
  const [approval, setApproval] = useState<number | string>('')
  const make = useMutation({
    mutationFn: () =>
      call<ApiKey & { key: string }>('/admin/v1/keys', {
        method: 'POST',
        body: {
          name,
          account_id: account,
          scopes,
          ...(most === '' ? {} : { max_payment_sats: Number(most) }),
          ...(daily === '' ? {} : { budgets: [{ limit_sats: Number(daily), seconds: 86_400 }] }),
          ...(approval === '' ? {} : { approval_above_sats: Number(approval) }),
        },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  })
  const leave = () => {
    close()
    make.reset()
    setName('')
  }
  const sats = { suffix: ' sat', min: 0, allowDecimal: false, thousandSeparator: ',' } as const
  return (
    <Modal opened={isOpen} onClose={leave} title="A new key">
      {make.data ? (
        <Stack>
          <SecretOnce name="API key" secret={make.data.key} />
          <Button onClick={leave}>I have copied it</Button>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            make.mutate()
          }}
        >
          <Stack>
            <TextInput
              label="Name"
              required
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Checkbox.Group label="It may" value={scopes} onChange={setScopes}>
              <Stack gap="xs" mt="xs">
                {SCOPES.map((scope) => (
                  <Checkbox key={scope.value} {...scope} />
                ))}
              </Stack>
            </Checkbox.Group>
            <NumberInput label="Most in one payment" {...sats} value={most} onChange={setMost} />
            <NumberInput label="Most in 24 hours" {...sats} value={daily} onChange={setDaily} />
            <NumberInput label="Ask for approval above" {...sats} value={approval} onChange={setApproval} />
            {make.error && <Problem error={make.error} />}
            <Button type="submit" loading={make.isPending} disabled={scopes.length === 0}>
              Make it
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
