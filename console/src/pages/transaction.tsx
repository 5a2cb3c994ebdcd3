// One deposit or withdrawal: what it is, what happened to it, and what it waits for.

import { Alert, Anchor, Card, Code, SimpleGrid, Stack, Table, Text, Timeline } from '@mantine/core'
import { IconClock } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'

import { call } from '../api/client'
import { useDeposit, useWithdrawal } from '../api/queries'
import type { AccountEvent, Deposit, LedgerEntry, Pending, Withdrawal } from '../api/types'
import { Amount } from '../parts/amount'
import { Copyable } from '../parts/copy'
import { Answer, Page } from '../parts/page'
import { StatusBadge } from '../parts/status'
import { Time } from '../parts/time'
import { useChosen } from '../shell/account'

export function TransactionPage() {
  const { kind = '', id = '' } = useParams()
  return kind === 'deposit' ? <DepositPage id={id} /> : <WithdrawalPage id={id} />
}

function WithdrawalPage({ id }: { id: string }) {
  const { account } = useChosen()
  const found = useWithdrawal(account?.id, id)
  return (
    <Page title="Withdrawal" actions={<Back />}>
      <Answer of={found}>
        {(row) => (
          <>
            {row.pending && <WhyPending pending={row.pending} />}
            <Details row={row} fee={row.fee_sats}>
              {row.lightning_payment && (
                <>
                  <Row name="Payment hash">
                    <Copyable text={row.lightning_payment.payment_hash} what="payment hash" />
                  </Row>
                  {row.lightning_payment.payment_preimage && (
                    <Row name="Proof of payment">
                      <Copyable text={row.lightning_payment.payment_preimage} what="preimage" />
                    </Row>
                  )}
                  {row.status === 'failed' && (
                    <Row name="Why it failed">{row.lightning_payment.failure_reason}</Row>
                  )}
                </>
              )}
            </Details>
            <Story id={row.id} ledgerId={row.ledger_tx_id} />
          </>
        )}
      </Answer>
    </Page>
  )
}

function DepositPage({ id }: { id: string }) {
  const { account } = useChosen()
  const found = useDeposit(account?.id, id)
  return (
    <Page title="Deposit" actions={<Back />}>
      <Answer of={found}>
        {(row) => (
          <>
            <Details row={row} fee={row.fee_sats} />
            <Story id={row.id} ledgerId={row.ledger_tx_id} />
          </>
        )}
      </Answer>
    </Page>
  )
}

function Back() {
  return (
    <Anchor component={Link} to="/transactions" size="sm">
      All transactions
    </Anchor>
  )
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={170}>{name}</Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  )
}

function Details({ row, fee, children }: { row: Deposit | Withdrawal; fee: number; children?: ReactNode }) {
  const metadata = row.metadata ?? {}
  return (
    <Card withBorder>
      <Table>
        <Table.Tbody>
          <Row name="State">
            <StatusBadge status={row.status} />
          </Row>
          <Row name="Amount">
            <Amount msat={row.amount_sats * 1_000} />
          </Row>
          <Row name="Fee">
            <Amount msat={fee * 1_000} />
          </Row>
          <Row name="Recipient">
            <Copyable text={row.recipient} what="recipient" />
          </Row>
          {row.chain_tx_id && (
            <Row name="Transaction">
              <Copyable text={row.chain_tx_id} what="transaction id" />
            </Row>
          )}
          {children}
          <Row name="Id">
            <Copyable text={row.id} what="id" whole />
          </Row>
          <Row name="Made">
            <Time at={row.created_at} />
          </Row>
          <Row name="Changed">
            <Time at={row.updated_at} />
          </Row>
          {Object.keys(metadata).length > 0 && (
            <Row name="Metadata">
              <Code block tabIndex={0}>
                {JSON.stringify(metadata, null, 2)}
              </Code>
            </Row>
          )}
        </Table.Tbody>
      </Table>
    </Card>
  )
}

function WhyPending({ pending }: { pending: Pending }) {
  return (
    <Alert color="yellow" icon={<IconClock />} title="Why it is pending">
      <Stack gap={4}>
        <Text size="sm">{pending.says}</Text>
        <Text size="sm">
          Given to the node {pending.attempts} times. Held: <Amount msat={pending.held.amount_msat} size="sm" />
          , and <Amount msat={pending.held.fee_reserve_msat} size="sm" /> for fees. It is over at the latest{' '}
          {new Date(pending.resolves_by).toLocaleString()}
          {pending.resolves_by_height !== null && ` (block ${pending.resolves_by_height})`}.
        </Text>
        <Text size="sm">After a restart: {pending.after_restart}</Text>
      </Stack>
    </Alert>
  )
}

/** What happened to it, the entries in the books, and who was told. */
function Story({ id, ledgerId }: { id: string; ledgerId: string }) {
  const { account } = useChosen()
  const story = useQuery({
    queryKey: ['story', account?.id, id, ledgerId],
    queryFn: ({ signal }) =>
      call<{ events: AccountEvent[]; entries: LedgerEntry[]; deliveries: StoryDelivery[] }>(
        `/admin/v1/accounts/${account?.id ?? ''}/transactions/${id}/story`,
        { signal },
      ),
    enabled: account !== undefined,
    refetchInterval: 2_000,
  })
  return (
    <Answer of={story}>
      {({ events, entries, deliveries }) => (
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Card withBorder>
            <Text fw={600} component="h2" mb="sm">
              What happened
            </Text>
            <Timeline active={events.length} bulletSize={16}>
              {events.map((event) => (
                <Timeline.Item key={event.id} title={event.body.event}>
                  <Time at={event.created_at} />
                  {deliveries
                    .filter((delivery) => delivery.event_id === event.id)
                    .map((delivery) => (
                      <Text size="sm" key={delivery.webhook_id}>
                        <Anchor component={Link} to={`/webhooks/${delivery.webhook_id}`} size="sm">
                          {delivery.url}
                        </Anchor>{' '}
                        {delivery.state}, {delivery.attempts} attempts
                      </Text>
                    ))}
                </Timeline.Item>
              ))}
            </Timeline>
          </Card>
          <Card withBorder>
            <Text fw={600} component="h2" mb="sm">
              In the books
            </Text>
            {entries.length === 0 && (
              <Text size="sm" c="dimmed">
                Nothing is booked yet.
              </Text>
            )}
            <Table>
              <Table.Tbody>
                {entries.map((entry, index) => (
                  <Table.Tr key={index}>
                    <Table.Td>
                      {entry.debit} → {entry.credit}
                      <Text size="xs" c="dimmed">
                        {entry.kind}
                      </Text>
                    </Table.Td>
                    <Table.Td ta="right">
                      <Amount msat={entry.amount_msat} size="sm" />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Card>
        </SimpleGrid>
      )}
    </Answer>
  )
}

interface StoryDelivery {
  event_id: string
  webhook_id: string
  url: string
  state: string
  attempts: number
}
