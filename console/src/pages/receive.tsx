import { Alert, Button, Card, Center, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { QRCodeSVG } from 'qrcode.react'
import { useEffect, useState } from 'react'

import { call, type Success } from '../api/client'
import { useInvoice } from '../api/queries'
import type { Invoice } from '../api/types'
import { Amount } from '../parts/amount'
import { Copyable } from '../parts/copy'
import { Page, Problem } from '../parts/page'
import { useChosen } from '../shell/account'
import { useServer } from '../shell/server'

export function Receive() {
  const { account } = useChosen()
  const [amount, setAmount] = useState<number | string>(1_000)
  const [description, setDescription] = useState('')
  const make = useMutation({
    mutationFn: () =>
      call<Success<Invoice>>('/v1/bitcoin/deposit/lightning-invoice', {
        method: 'POST',
        account: account?.id,
        body: { amount: Number(amount), currency: 'sats', description, expiry_seconds: 3_600 },
      }),
  })
  return (
    <Page title="Receive">
      {make.data === undefined ? (
        <Card withBorder maw={460} component="section">
          <form
            onSubmit={(event) => {
              event.preventDefault()
              make.mutate()
            }}
          >
            <Stack>
              <NumberInput
                label="Amount"
                suffix=" sat"
                min={1}
                allowDecimal={false}
                thousandSeparator=","
                required
                value={amount}
                onChange={setAmount}
              />
              <TextInput
                label="Description"
                description="The payer sees it"
                value={description}
                onChange={(event) => setDescription(event.currentTarget.value)}
              />
              {make.error && <Problem error={make.error} />}
              <Button type="submit" loading={make.isPending} disabled={account === undefined}>
                Make an invoice
              </Button>
            </Stack>
          </form>
        </Card>
      ) : (
        <Waiting invoice={make.data.data} again={() => make.reset()} />
      )}
    </Page>
  )
}

function Waiting({ invoice, again }: { invoice: Invoice; again: () => void }) {
  const { account } = useChosen()
  const queries = useQueryClient()
  const server = useServer()
  const latest = useInvoice(account?.id, invoice.id)
  const state = latest.data?.state ?? invoice.state
  useEffect(() => {
    if (state === 'SETTLED') void queries.invalidateQueries({ queryKey: ['balance'] })
  }, [state, queries])
  const pay = useMutation({
    mutationFn: () =>
      call<{ status: string }>('/sandbox/pay', {
        method: 'POST',
        body: { payment_request: invoice.payment_request },
      }),
  })
  if (state === 'SETTLED') {
    return (
      <Card withBorder maw={460} role="status">
        <Stack align="center">
          <IconCircleCheck size={64} color="var(--mantine-color-green-6)" aria-hidden />
          <Text fw={700} size="xl">
            Paid
          </Text>
          <Amount msat={(latest.data?.amount_sats ?? invoice.amount_sats) * 1_000} size="lg" />
          <Button variant="default" onClick={again}>
            Receive again
          </Button>
        </Stack>
      </Card>
    )
  }
  return (
    <Card withBorder maw={460}>
      <Stack>
        <Center>
          <div className="qr">
            <QRCodeSVG
              value={`lightning:${invoice.payment_request}`.toUpperCase()}
              size={260}
              title="The invoice as a QR code"
            />
          </div>
        </Center>
        <Group justify="space-between">
          <Amount msat={invoice.amount_sats * 1_000} fw={600} />
          <Text size="sm" c="dimmed" role="status">
            {state === 'CANCELED' ? 'It has expired' : 'Waiting for the payment…'}
          </Text>
        </Group>
        <Copyable text={invoice.payment_request} what="invoice" whole />
        {server.data?.sandbox && state === 'OPEN' && (
          <Alert color="blue" variant="light" title="In the sandbox">
            <Stack gap="xs" align="start">
              <Text size="sm">A wallet would scan the code. Here the counterparty can pay it.</Text>
              <Button size="xs" onClick={() => pay.mutate()} loading={pay.isPending}>
                Pay it as the counterparty
              </Button>
              {pay.error && <Problem error={pay.error} />}
            </Stack>
          </Alert>
        )}
        <Button variant="default" onClick={again}>
          Another one
        </Button>
      </Stack>
    </Card>
  )
}
