import { Anchor, Button, Modal, MultiSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus, IconWebhook } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'

import { call } from '../api/client'
import { EVENTS } from '../api/events'
import { useWebhooks } from '../api/queries'
import type { CreatedWebhook } from '../api/types'
import { Answer, Empty, Page, Problem } from '../parts/page'
import { ScrollTable } from '../parts/scroll-table'
import { SecretOnce } from '../parts/secret-once'
import { StatusBadge } from '../parts/status'
import { Time } from '../parts/time'
import { useChosen } from '../shell/account'

export function Webhooks() {
  const { account } = useChosen()
  const list = useWebhooks()
  const [isOpen, { open, close }] = useDisclosure()
  return (
    <Page
      title="Webhooks"
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={open} disabled={account === undefined}>
          New endpoint
        </Button>
      }
    >
      <Answer of={list}>
        {(all) => {
          const rows = all.filter((webhook) => webhook.account_id === account?.id)
          if (rows.length === 0) {
            return (
              <Empty icon={<IconWebhook />} title="Nobody is told yet">
                An endpoint is a URL of yours. Every change of a payment is posted to it, signed, until it
                answers 2xx.
              </Empty>
            )
          }
          return (
            <ScrollTable label="Webhook endpoints" heads={['Endpoint', 'Events', 'State', 'Made']}>
              {rows.map((webhook) => (
                <Table.Tr key={webhook.id}>
                  <Table.Td>
                    <Anchor component={Link} to={`/webhooks/${webhook.id}`} size="sm">
                      {webhook.url}
                    </Anchor>
                    <Text size="xs" c="dimmed">
                      {webhook.description}
                    </Text>
                  </Table.Td>
                  <Table.Td>{webhook.events.length === EVENTS.length ? 'all' : webhook.events.length}</Table.Td>
                  <Table.Td>
                    <StatusBadge status={webhook.state} />
                  </Table.Td>
                  <Table.Td>
                    <Time at={webhook.created_at} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </ScrollTable>
          )
        }}
      </Answer>
      <NewWebhook isOpen={isOpen} close={close} account={account?.id} />
    </Page>
  )
}

function NewWebhook({
  isOpen,
  close,
  account,
}: {
  isOpen: boolean
  close: () => void
  account: string | undefined
}) {
  const queries = useQueryClient()
  const [url, setUrl] = useState('')
  const [description, setDescription] = useState('')
  const [events, setEvents] = useState<string[]>([])
  const make = useMutation({
    mutationFn: () =>
      call<CreatedWebhook>('/admin/v1/webhooks', {
        method: 'POST',
        body: { url, description, account_id: account, ...(events.length > 0 ? { events } : {}) },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['webhooks'] }),
  })
  const leave = () => {
    close()
    make.reset()
    setUrl('')
    setDescription('')
    setEvents([])
  }
  return (
    <Modal opened={isOpen} onClose={leave} title="A new endpoint">
      {make.data ? (
        <Stack>
          <SecretOnce name="Signing secret" secret={make.data.secret} />
          <Text size="sm">For libraries of the Standard Webhooks scheme:</Text>
          <SecretOnce name="Standard secret" secret={make.data.standard_secret} />
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
              label="URL"
              type="url"
              placeholder="https://example.com/webhooks"
              required
              value={url}
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            <TextInput
              label="Description"
              value={description}
              onChange={(event) => setDescription(event.currentTarget.value)}
            />
            <MultiSelect
              label="Events"
              description="None means all of them"
              data={EVENTS}
              value={events}
              onChange={setEvents}
              searchable
              clearable
            />
            {make.error && <Problem error={make.error} />}
            <Button type="submit" loading={make.isPending}>
              Make it
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
