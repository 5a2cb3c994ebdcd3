// Send: paste, see what it is and what it costs at most, confirm, watch.

import { Alert, Button, Card, Group, NumberInput, Stack, Table, Text, Textarea } from '@mantine/core'
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link } from 'react-router'

import { call, Failure, type Success } from '../api/client'
import { useWithdrawal } from '../api/queries'
import type { Estimate, Withdrawal } from '../api/types'
import { Amount } from '../parts/amount'
import { Answer, Page, Problem } from '../parts/page'
import { StatusBadge } from '../parts/status'
import { useChosen } from '../shell/account'

const KINDS: Record<string, string> = {
  lightning_invoice: 'a Lightning invoice',
  lightning_address: 'a Lightning address',
  chain_address: 'a Bitcoin address',
}

export function Send() {
  const { account } = useChosen()
  const [destination, setDestination] = useState('')
  const [amount, setAmount] = useState<number | string>('')
  // One key for one intent: pressing twice, or again after a lost answer, never pays twice.
  const [key, setKey] = useState(() => crypto.randomUUID())
  const request = {
    destination: destination.trim(),
    currency: 'sats',
    ...(amount === '' ? {} : { amount: Number(amount) }),
  }
  const estimate = useMutation({
    mutationFn: () => estimated(account?.id, request),
  })
  const confirm = useMutation({
    mutationFn: () =>
      call<Success<Withdrawal>>('/v1/bitcoin/withdraw/confirm', {
        method: 'POST',
        account: account?.id,
        body: request,
        idempotencyKey: key,
      }),
  })
  const change = () => {
    estimate.reset()
    confirm.reset()
    setKey(crypto.randomUUID())
  }
  if (confirm.data) {
    const again = () => {
      change()
      setDestination('')
      setAmount('')
    }
    return (
      <Page title="Send">
        <Watch id={confirm.data.data.id} again={again} />
      </Page>
    )
  }
  return (
    <Page title="Send">
      <Card withBorder maw={560}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (estimate.data) confirm.mutate()
            else estimate.mutate()
          }}
        >
          <Stack>
            <Textarea
              label="To"
              description="A Lightning invoice, a Lightning address or a Bitcoin address"
              autosize
              minRows={2}
              required
              value={destination}
              onChange={(event) => {
                setDestination(event.currentTarget.value)
                change()
              }}
            />
            <NumberInput
              label="Amount"
              description="Leave it empty where the invoice names one"
              suffix=" sat"
              min={1}
              allowDecimal={false}
              thousandSeparator=","
              value={amount}
              onChange={(value) => {
                setAmount(value)
                change()
              }}
            />
            {estimate.error && <Problem error={estimate.error} />}
            {estimate.data && <Summary estimate={estimate.data} />}
            {confirm.error && <Problem error={confirm.error} />}
            <Group>
              {estimate.data ? (
                <>
                  <Button type="submit" loading={confirm.isPending}>
                    Send
                  </Button>
                  <Button variant="default" onClick={change}>
                    Change
                  </Button>
                </>
              ) : (
                <Button type="submit" loading={estimate.isPending} disabled={account === undefined}>
                  What is it?
                </Button>
              )}
            </Group>
          </Stack>
        </form>
      </Card>
    </Page>
  )
}

/** What it would cost; `unknown` where the server makes no estimates. */
async function estimated(account: string | undefined, body: object): Promise<Estimate | 'unknown'> {
  try {
    const path = '/v1/bitcoin/withdraw/estimate'
    return (await call<Success<Estimate>>(path, { method: 'POST', account, body })).data
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return 'unknown'
    throw error
  }
}

function Summary({ estimate }: { estimate: Estimate | 'unknown' }) {
  if (estimate === 'unknown') {
    return (
      <Alert color="blue" variant="light" title="Look at it once more">
        The amount and a reserve for the route&apos;s fee are held now. What the route does not take comes back,
        and all of it if the payment does not arrive.
      </Alert>
    )
  }
  return (
    <Alert color="blue" variant="light" title={`It is ${KINDS[estimate.recipient_type] ?? 'payable'}`}>
      <Table>
        <Table.Tbody>
          <Table.Tr>
            <Table.Th>The recipient gets</Table.Th>
            <Table.Td>
              <Amount msat={estimate.amount_sats * 1_000} />
            </Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Th>Fee</Table.Th>
            <Table.Td>
              <Amount msat={estimate.bitvora_fee_sats * 1_000} />
            </Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Th>It arrives</Table.Th>
            <Table.Td>{Math.round(estimate.success_probability * 100)} % likely</Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
    </Alert>
  )
}

function Watch({ id, again }: { id: string; again: () => void }) {
  const { account } = useChosen()
  const queries = useQueryClient()
  const found = useWithdrawal(account?.id, id)
  const status = found.data?.status
  useEffect(() => {
    if (status !== undefined && status !== 'pending') void queries.invalidateQueries({ queryKey: ['balance'] })
  }, [status, queries])
  return (
    <Card withBorder maw={560}>
      <Answer of={found}>
        {(row) => (
          <Stack align="center" role="status">
            {row.status === 'settled' && (
              <IconCircleCheck size={64} color="var(--mantine-color-green-6)" aria-hidden />
            )}
            {row.status === 'failed' && (
              <IconCircleX size={64} color="var(--mantine-color-red-6)" aria-hidden />
            )}
            <Amount msat={row.amount_sats * 1_000} fw={700} size="xl" />
            <StatusBadge status={row.status} />
            {row.pending && <Text size="sm">{row.pending.says}</Text>}
            {row.status === 'failed' && (
              <Text size="sm">Nothing has left the account: the amount and the fee are available again.</Text>
            )}
            <Group>
              <Button variant="default" component={Link} to={`/transactions/withdrawal/${row.id}`}>
                Details
              </Button>
              <Button variant="default" onClick={again}>
                Send another
              </Button>
            </Group>
          </Stack>
        )}
      </Answer>
    </Card>
  )
}
