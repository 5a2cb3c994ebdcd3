// The account that the pages speak of. Remembered by this browser: it is no secret.

import { Select } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { createContext, useContext, type ReactNode } from 'react'

import { call } from '../api/client'
import type { Account } from '../api/types'

interface Chosen {
  account: Account | undefined
  accounts: Account[]
  isPending: boolean
  error: Error | null
  choose: (id: string) => void
}

const Context = createContext<Chosen | null>(null)

export function useAccounts() {
  return useQuery({
    queryKey: ['accounts'],
    queryFn: ({ signal }) => call<{ data: Account[] } | Account[]>('/admin/v1/accounts', { signal }),
    select: (answer) => (Array.isArray(answer) ? answer : answer.data),
  })
}

export function AccountProvider({ children }: { children: ReactNode }) {
  const accounts = useAccounts()
  const [chosen, choose] = useLocalStorage({
    key: 'leyden.account',
    defaultValue: '',
    getInitialValueInEffect: false,
  })
  const open = (accounts.data ?? []).filter((account) => account.closed_at === null)
  const account = open.find(({ id }) => id === chosen) ?? open[0]
  const value = { account, accounts: open, isPending: accounts.isPending, error: accounts.error, choose }
  return <Context value={value}>{children}</Context>
}

export function useChosen(): Chosen {
  const chosen = useContext(Context)
  if (chosen === null) throw new Error('outside of AccountProvider')
  return chosen
}

export function AccountPicker() {
  const { account, accounts, choose } = useChosen()
  if (account === undefined) return null
  return (
    <Select
      aria-label="Account"
      size="xs"
      w={{ base: 130, sm: 200 }}
      searchable={accounts.length > 8}
      allowDeselect={false}
      data={accounts.map(({ id, name }) => ({ value: id, label: name }))}
      value={account.id}
      onChange={(id) => id !== null && choose(id)}
    />
  )
}
