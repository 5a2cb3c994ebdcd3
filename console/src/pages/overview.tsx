import { BarChart } from '@mantine/charts'
import { Anchor, Button, Card, Group, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconArrowDownLeft, IconArrowUpRight, IconBolt } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'

import { useActivity, useBalance, useNode, useTransactions, useVerdict } from '../api/queries'
import type { Activity } from '../api/types'
import { Amount } from '../parts/amount'
import { Answer, Empty, Page } from '../parts/page'
import { Time } from '../parts/time'
import { TransactionsTable } from '../parts/transactions-table'
import { useChosen } from '../shell/account'

export function Overview() {
  const { account, isPending } = useChosen()
  const latest = useTransactions(account?.id, {})
  if (!isPending && account === undefined) {
    return (
      <Page title="Overview">
        <Empty icon={<IconBolt />} title="No account yet">
          An account is a customer&apos;s balance. Make the first one under{' '}
          <Anchor component={Link} to="/accounts">
            Accounts
          </Anchor>
          .
        </Empty>
      </Page>
    )
  }
  return (
    <Page
      title="Overview"
      actions={
        <>
          <Button component={Link} to="/receive" leftSection={<IconArrowDownLeft size={16} />}>
            Receive
          </Button>
          <Button component={Link} to="/send" variant="default" leftSection={<IconArrowUpRight size={16} />}>
            Send
          </Button>
        </>
      }
    >
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <Balance />
        <Liquidity />
        <Health />
        <SuccessRate />
      </SimpleGrid>
      <ActivityCard />
      <Card withBorder>
        <Group justify="space-between" mb="xs">
          <Text fw={600} component="h2" size="md">
            Latest
          </Text>
          <Anchor component={Link} to="/transactions" size="sm">
            All transactions
          </Anchor>
        </Group>
        <Answer of={latest}>
          {(pages) => {
            const rows = pages.pages[0]?.data.slice(0, 8) ?? []
            return rows.length > 0 ? (
              <TransactionsTable rows={rows} />
            ) : (
              <Empty icon={<IconBolt />} title="Nothing has moved yet">
                Make an invoice under{' '}
                <Anchor component={Link} to="/receive">
                  Receive
                </Anchor>{' '}
                and have it paid.
              </Empty>
            )
          }}
        </Answer>
      </Card>
    </Page>
  )
}

function Figure({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Card withBorder>
      <Text size="sm" c="dimmed" component="h2">
        {title}
      </Text>
      {children}
    </Card>
  )
}

function Balance() {
  const { account } = useChosen()
  const balance = useBalance(account?.id)
  return (
    <Figure title="Available">
      <Answer of={balance}>
        {({ balance_msat }) => (
          <>
            <Amount msat={balance_msat} fw={700} size="xl" />
            <Text size="sm" c="dimmed">
              {account?.held_msat ? (
                <>
                  <Amount msat={account.held_msat} /> held for payments
                </>
              ) : (
                'nothing held'
              )}
            </Text>
          </>
        )}
      </Answer>
    </Figure>
  )
}

function Liquidity() {
  const node = useNode()
  return (
    <Figure title="Lightning">
      <Answer of={node}>
        {({ channels }) => {
          const sum = (of: 'outbound_msat' | 'inbound_msat') =>
            channels.reduce((all, channel) => all + channel[of], 0)
          return (
            <>
              <Amount msat={sum('outbound_msat')} fw={700} size="xl" />
              <Text size="sm" c="dimmed">
                can be sent, <Amount msat={sum('inbound_msat')} /> received, over {channels.length} channels
              </Text>
            </>
          )
        }}
      </Answer>
    </Figure>
  )
}

function Health() {
  const verdict = useVerdict()
  return (
    <Figure title="Books against node">
      <Answer of={verdict}>
        {({ clean, checked_at, unexplained }) => (
          <>
            <Text fw={700} size="xl" c={clean ? 'green' : 'red'}>
              {clean ? 'They agree' : `${unexplained.length} differences`}
            </Text>
            <Time at={checked_at} />
          </>
        )}
      </Answer>
    </Figure>
  )
}

function SuccessRate() {
  const { account } = useChosen()
  const activity = useActivity(account?.id, 30)
  return (
    <Figure title="Withdrawals that arrived, 30 days">
      <Answer of={activity}>
        {({ days }) => {
          const settled = days.reduce((all, day) => all + day.settled, 0)
          const ended = days.reduce((all, day) => all + day.settled + day.failed, 0)
          return (
            <>
              <Text fw={700} size="xl" className="number">
                {ended === 0 ? '–' : `${((settled / ended) * 100).toFixed(1)} %`}
              </Text>
              <Text size="sm" c="dimmed">
                {settled} of {ended}
              </Text>
            </>
          )
        }}
      </Answer>
    </Figure>
  )
}

function ActivityCard() {
  const { account } = useChosen()
  const [days, setDays] = useState('30')
  const activity = useActivity(account?.id, Number(days))
  return (
    <Card withBorder>
      <Group justify="space-between" mb="xs">
        <Text fw={600} component="h2" size="md">
          Volume
        </Text>
        <SegmentedControl
          aria-label="How far back"
          size="xs"
          data={[
            { value: '7', label: '7 days' },
            { value: '30', label: '30 days' },
            { value: '90', label: '90 days' },
          ]}
          value={days}
          onChange={setDays}
        />
      </Group>
      <Answer of={activity}>{(found) => <Chart activity={found} />}</Answer>
    </Card>
  )
}

function Chart({ activity }: { activity: Activity }) {
  const data = activity.days.map((day) => ({
    day: day.day.slice(5),
    Received: day.received_msat / 1_000,
    Sent: day.sent_msat / 1_000,
    Fees: day.fees_msat / 1_000,
  }))
  const total = (of: 'Received' | 'Sent' | 'Fees') => data.reduce((all, day) => all + day[of], 0)
  return (
    <Stack gap="xs">
      <BarChart
        h={200}
        data={data}
        dataKey="day"
        unit=" sat"
        series={[
          { name: 'Received', color: 'green.6' },
          { name: 'Sent', color: 'orange.6' },
          { name: 'Fees', color: 'gray.6' },
        ]}
        barChartProps={{ accessibilityLayer: true }}
      />
      <Text size="sm" c="dimmed">
        <Amount msat={total('Received') * 1_000} /> received, <Amount msat={total('Sent') * 1_000} /> sent,{' '}
        <Amount msat={total('Fees') * 1_000} /> paid in fees
      </Text>
    </Stack>
  )
}
