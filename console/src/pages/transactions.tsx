import { Button, Center, Group, Select, Text } from '@mantine/core'
import { IconDownload, IconListDetails } from '@tabler/icons-react'
import { useSearchParams } from 'react-router'

import { useTransactions } from '../api/queries'
import { Answer, Empty, Page } from '../parts/page'
import { TransactionsTable } from '../parts/transactions-table'
import { useChosen } from '../shell/account'
import { exportRows } from './transactions-export'

const FILTERS = [
  { name: 'type', label: 'Direction', values: ['deposit', 'withdrawal'] },
  { name: 'status', label: 'State', values: ['pending', 'settled', 'failed'] },
  { name: 'rail', label: 'Rail', values: ['lightning', 'onchain'] },
] as const

export function Transactions() {
  const { account } = useChosen()
  const [search, setSearch] = useSearchParams()
  const filters = Object.fromEntries(FILTERS.map(({ name }) => [name, search.get(name) ?? undefined]))
  const list = useTransactions(account?.id, filters)
  const isFiltered = FILTERS.some(({ name }) => search.has(name))
  return (
    <Page
      title="Transactions"
      actions={
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={14} />}
          disabled={account === undefined}
          onClick={() => void exportRows(account?.id, filters)}
        >
          Export CSV
        </Button>
      }
    >
      <Group>
        {FILTERS.map(({ name, label, values }) => (
          <Select
            key={name}
            aria-label={label}
            placeholder={label}
            size="xs"
            w={140}
            clearable
            data={[...values]}
            value={search.get(name)}
            onChange={(value) => {
              const next = new URLSearchParams(search)
              if (value === null) next.delete(name)
              else next.set(name, value)
              setSearch(next, { replace: true })
            }}
          />
        ))}
      </Group>
      <Answer of={list}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.data)
          if (rows.length === 0) {
            return (
              <Empty icon={<IconListDetails />} title={isFiltered ? 'Nothing matches' : 'No transactions yet'}>
                {isFiltered ? 'Take a filter away to see more.' : 'What comes in and goes out is listed here.'}
              </Empty>
            )
          }
          return (
            <>
              <TransactionsTable rows={rows} />
              <Center>
                {list.hasNextPage ? (
                  <Button
                    variant="default"
                    loading={list.isFetchingNextPage}
                    onClick={() => void list.fetchNextPage()}
                  >
                    Show more
                  </Button>
                ) : (
                  <Text size="sm" c="dimmed">
                    That is all
                  </Text>
                )}
              </Center>
            </>
          )
        }}
      </Answer>
    </Page>
  )
}
