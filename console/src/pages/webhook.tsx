// One endpoint: its state, its secret, and everything that was sent to it.

import { Anchor, Badge, Button, Card, Code, Group, Modal, Stack, Table, Text } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useParams } from 'react-router'

import { useAct } from '../api/act'
import { call } from '../api/client'
import type { Attempt, Delivery, Webhook } from '../api/types'
import { Answer, Empty, Page, Problem } from '../parts/page'
import { ScrollTable } from '../parts/scroll-table'
import { SecretOnce } from '../parts/secret-once'
import { StatusBadge } from '../parts/status'
import { Time } from '../parts/time'

export function WebhookPage() {
  const { id = '' } = useParams()
  const path = `/admin/v1/webhooks/${id}`
  const webhook = useQuery({
    queryKey: ['webhook', id],
    queryFn: () => call<Webhook>(path),
    refetchInterval: 5_000,
  })
  const post = (what: string) => call(`${path}/${what}`, { method: 'POST', body: {} })
  const pause = useAct(() => post('pause'), 'Paused: events are kept')
  const resume = useAct(() => post('resume'), 'It is sent to again')
  const test = useAct(() => post('test'), 'A test message was sent')
  const promote = useAct(() => post('promote'), 'The new secret is the only one')
  return (
    <Page
      title="Endpoint"
      actions={
        <Anchor component={Link} to="/webhooks" size="sm">
          All endpoints
        </Anchor>
      }
    >
      <Answer of={webhook}>
        {(found) => (
          <Card withBorder>
            <Stack gap="xs">
              <Group>
                <Text fw={600}>{found.url}</Text>
                <StatusBadge status={found.state} />
                {found.disabled_reason && <Text size="sm">because: {found.disabled_reason}</Text>}
              </Group>
              <Group gap={4}>
                {found.events.map((event) => (
                  <Badge key={event} variant="default" tt="none" fw={400}>
                    {event}
                  </Badge>
                ))}
              </Group>
              <Group>
                <Button size="xs" onClick={() => test.mutate()} loading={test.isPending}>
                  Send a test message
                </Button>
                {found.state === 'active' ? (
                  <Button size="xs" variant="default" onClick={() => pause.mutate()}>
                    Pause
                  </Button>
                ) : (
                  <Button size="xs" variant="default" onClick={() => resume.mutate()}>
                    Resume
                  </Button>
                )}
                <Rotate path={path} />
                <Button size="xs" variant="default" onClick={() => promote.mutate()}>
                  End the old secret
                </Button>
              </Group>
            </Stack>
          </Card>
        )}
      </Answer>
      <Deliveries path={path} />
    </Page>
  )
}

function Rotate({ path }: { path: string }) {
  const rotate = useMutation({
    mutationFn: () => call<{ secret: string }>(`${path}/rotate`, { method: 'POST', body: {} }),
  })
  return (
    <>
      <Button size="xs" variant="default" onClick={() => rotate.mutate()} loading={rotate.isPending}>
        New secret
      </Button>
      <Modal opened={rotate.isSuccess || rotate.isError} onClose={() => rotate.reset()} title="A new secret">
        {rotate.error && <Problem error={rotate.error} />}
        {rotate.data && (
          <Stack>
            <SecretOnce name="Signing secret" secret={rotate.data.secret} />
            <Text size="sm">Until you end the old one, every message carries a signature of each.</Text>
          </Stack>
        )}
      </Modal>
    </>
  )
}

interface DeliveryPage {
  data: Delivery[]
  next_cursor?: string
}

function Deliveries({ path }: { path: string }) {
  const list = useInfiniteQuery({
    queryKey: ['deliveries', path],
    queryFn: ({ pageParam }) =>
      call<DeliveryPage>(`${path}/deliveries?limit=50${pageParam && `&cursor=${pageParam}`}`),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 5_000,
  })
  const [shown, setShown] = useState<string>()
  const redeliver = useAct(
    (event: string) => call(`${path}/deliveries/${event}/redeliver`, { method: 'POST', body: {} }),
    'It is sent once more',
  )
  return (
    <>
      <Answer of={list}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.data)
          if (rows.length === 0) {
            return (
              <Empty icon={<IconSend />} title="Nothing was sent yet">
                The next change of a payment is.
              </Empty>
            )
          }
          return (
            <>
              <ScrollTable label="Deliveries" heads={['Event', 'State', 'Attempts', 'Answer', 'When', '']}>
                {rows.map((row) => (
                  <Table.Tr key={row.id}>
                    <Table.Td>
                      <Anchor component="button" type="button" size="sm" onClick={() => setShown(row.id)}>
                        {row.event}
                      </Anchor>
                    </Table.Td>
                    <Table.Td>
                      <StatusBadge status={row.state} />
                    </Table.Td>
                    <Table.Td>{row.attempts}</Table.Td>
                    <Table.Td>{row.last_status ?? row.last_error ?? '–'}</Table.Td>
                    <Table.Td>
                      <Time at={row.occurred_at} />
                    </Table.Td>
                    <Table.Td>
                      <Button size="compact-xs" variant="default" onClick={() => redeliver.mutate(row.id)}>
                        Send again
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </ScrollTable>
              {list.hasNextPage && (
                <Button variant="default" onClick={() => void list.fetchNextPage()}>
                  Show more
                </Button>
              )}
            </>
          )
        }}
      </Answer>
      <Modal opened={shown !== undefined} onClose={() => setShown(undefined)} title="Attempts" size="lg">
        {shown !== undefined && <Attempts path={`${path}/deliveries/${shown}`} />}
      </Modal>
    </>
  )
}

function Attempts({ path }: { path: string }) {
  const found = useQuery({
    queryKey: ['attempts', path],
    queryFn: () => call<Delivery & { log: Attempt[] }>(path),
  })
  const ms = (micros: number | undefined) => (micros === undefined ? '–' : `${(micros / 1_000).toFixed(1)} ms`)
  return (
    <Answer of={found}>
      {({ log }) => (
        <Stack>
          {log.length === 0 && <Text size="sm">It was not tried yet.</Text>}
          {log.map((attempt) => (
            <Card withBorder key={attempt.number}>
              <Group justify="space-between">
                <Text fw={600}>
                  Attempt {attempt.number}: {attempt.status ?? attempt.outcome}
                </Text>
                <Time at={attempt.started_at} />
              </Group>
              {attempt.error && <Text size="sm">{attempt.error}</Text>}
              <Text size="sm" c="dimmed">
                name {ms(attempt.latency_us.dns)}, connection {ms(attempt.latency_us.connect)}, TLS{' '}
                {ms(attempt.latency_us.tls)}, answer {ms(attempt.latency_us.first_byte)}, in all{' '}
                {ms(attempt.latency_us.total)}
              </Text>
              {attempt.response && (
                <Code block tabIndex={0}>
                  {attempt.response}
                </Code>
              )}
            </Card>
          ))}
        </Stack>
      )}
    </Answer>
  )
}
