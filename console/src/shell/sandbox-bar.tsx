// What the sandbox can bring about: blocks, a payment from outside, an invoice of the counterparty with a will.

import {
  Alert,
  Button,
  Group,
  Menu,
  Modal,
  NumberInput,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
} from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconFlask } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { call } from '../api/client'
import { Copyable } from '../parts/copy'
import { Problem } from '../parts/page'

const BEHAVIOURS = [
  { value: 'pay', label: 'Takes it' },
  { value: 'fail', label: 'Refuses' },
  { value: 'hang', label: 'Holds it' },
  { value: 'slow', label: 'Takes 10 s' },
]

export function SandboxBar() {
  const queries = useQueryClient()
  const [isInvoicing, setIsInvoicing] = useState(false)
  const [isPaying, setIsPaying] = useState(false)
  const mine = useMutation({
    mutationFn: (blocks: number) =>
      call<{ height: number }>('/sandbox/mine', { method: 'POST', body: { blocks } }),
    onSuccess: ({ height }) => {
      notifications.show({ message: `The chain is ${height} blocks long` })
      void queries.invalidateQueries()
    },
    onError: (error) => notifications.show({ color: 'red', message: error.message }),
  })
  return (
    <Alert variant="light" color="blue" mb="md" py="xs" icon={<IconFlask />} aria-label="Sandbox">
      <Group justify="space-between" gap="xs">
        <Text size="sm">Sandbox: the payments are real, the bitcoin is not.</Text>
        <Group gap="xs">
          <Menu>
            <Menu.Target>
              <Button size="compact-sm" variant="default" loading={mine.isPending}>
                Mine
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {[1, 6, 100].map((blocks) => (
                <Menu.Item key={blocks} onClick={() => mine.mutate(blocks)}>
                  {blocks === 1 ? '1 block' : `${blocks} blocks`}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <Button size="compact-sm" variant="default" onClick={() => setIsInvoicing(true)}>
            Invoice to pay
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => setIsPaying(true)}>
            Pay an invoice
          </Button>
        </Group>
      </Group>
      <InvoiceDialog isOpen={isInvoicing} close={() => setIsInvoicing(false)} />
      <PayDialog isOpen={isPaying} close={() => setIsPaying(false)} />
    </Alert>
  )
}

interface DialogProps {
  isOpen: boolean
  close: () => void
}

function InvoiceDialog({ isOpen, close }: DialogProps) {
  const [amount, setAmount] = useState<number | string>(1_000)
  const [behaviour, setBehaviour] = useState('pay')
  const make = useMutation({
    mutationFn: () =>
      call<{ payment_request: string; payment_hash: string }>('/sandbox/invoice', {
        method: 'POST',
        body: { amount_sats: Number(amount), behaviour },
      }),
  })
  const release = useMutation({
    mutationFn: (action: 'settle' | 'fail') =>
      call('/sandbox/release', { method: 'POST', body: { payment_hash: make.data?.payment_hash, action } }),
  })
  return (
    <Modal opened={isOpen} onClose={close} title="An invoice of the counterparty">
      <Stack>
        <NumberInput
          label="Amount"
          suffix=" sat"
          min={1}
          thousandSeparator=","
          value={amount}
          onChange={setAmount}
        />
        <SegmentedControl
          aria-label="What the counterparty does"
          data={BEHAVIOURS}
          value={behaviour}
          onChange={setBehaviour}
        />
        <Button onClick={() => make.mutate()} loading={make.isPending}>
          Make it
        </Button>
        {make.error && <Problem error={make.error} />}
        {make.data && <Copyable text={make.data.payment_request} what="invoice" whole />}
        {make.data && behaviour === 'hang' && (
          <Group grow>
            <Button variant="default" onClick={() => release.mutate('settle')} loading={release.isPending}>
              Let it settle
            </Button>
            <Button variant="default" onClick={() => release.mutate('fail')} loading={release.isPending}>
              Let it fail
            </Button>
          </Group>
        )}
        {release.error && <Problem error={release.error} />}
      </Stack>
    </Modal>
  )
}

function PayDialog({ isOpen, close }: DialogProps) {
  const queries = useQueryClient()
  const [invoice, setInvoice] = useState('')
  const pay = useMutation({
    mutationFn: () =>
      call<{ status: string; reason?: string }>('/sandbox/pay', {
        method: 'POST',
        body: { payment_request: invoice.trim() },
      }),
    onSuccess: () => void queries.invalidateQueries(),
  })
  return (
    <Modal opened={isOpen} onClose={close} title="The counterparty pays">
      <Stack>
        <Textarea
          label="Invoice"
          placeholder="lnbcrt…"
          autosize
          minRows={3}
          value={invoice}
          onChange={(event) => setInvoice(event.currentTarget.value)}
        />
        <Button onClick={() => pay.mutate()} loading={pay.isPending} disabled={invoice.trim() === ''}>
          Pay it
        </Button>
        {pay.error && <Problem error={pay.error} />}
        {pay.data && (
          <Text role="status">
            {pay.data.status}
            {pay.data.reason ? `: ${pay.data.reason}` : ''}
          </Text>
        )}
      </Stack>
    </Modal>
  )
}
