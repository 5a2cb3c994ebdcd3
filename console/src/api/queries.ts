// What the pages ask for, and how often. Money is looked at every two seconds while the page is visible.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { call, type Success } from './client'
import type {
  Activity,
  ApiKey,
  Deposit,
  Invoice,
  NodeInfo,
  Transaction,
  Verdict,
  Webhook,
  Withdrawal,
} from './types'

const LIVE = 2_000
const PAGE = 50

export interface Filters {
  status?: string | undefined
  type?: string | undefined
  rail?: string | undefined
}

function query(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '')
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

export function useBalance(account: string | undefined) {
  return useQuery({
    queryKey: ['balance', account],
    queryFn: ({ signal }) =>
      call<Success<{ balance: number; balance_msat: number }>>('/v1/transactions/balance', { account, signal }),
    enabled: account !== undefined,
    refetchInterval: LIVE,
    select: (answer) => answer.data,
  })
}

export function useTransactions(account: string | undefined, filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['transactions', account, filters],
    queryFn: ({ pageParam, signal }) =>
      call<Success<Transaction[]>>(
        `/v1/transactions?${query({ limit: PAGE, cursor: pageParam, ...filters })}`,
        {
          account,
          signal,
        },
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    enabled: account !== undefined,
    refetchInterval: LIVE,
  })
}

export function useDeposit(account: string | undefined, id: string) {
  return useQuery({
    queryKey: ['deposit', account, id],
    queryFn: ({ signal }) => call<Success<Deposit>>(`/v1/transactions/deposits/${id}`, { account, signal }),
    enabled: account !== undefined,
    refetchInterval: ({ state }) => (state.data?.data.status === 'pending' ? LIVE : false),
    select: (answer) => answer.data,
  })
}

export function useWithdrawal(account: string | undefined, id: string) {
  return useQuery({
    queryKey: ['withdrawal', account, id],
    queryFn: ({ signal }) =>
      call<Success<Withdrawal>>(`/v1/transactions/withdrawals/${id}`, { account, signal }),
    enabled: account !== undefined,
    refetchInterval: ({ state }) => (state.data?.data.status === 'pending' ? 1_000 : false),
    select: (answer) => answer.data,
  })
}

export function useInvoice(account: string | undefined, id: string | undefined) {
  return useQuery({
    queryKey: ['invoice', account, id],
    queryFn: ({ signal }) =>
      call<Success<Invoice>>(`/v1/bitcoin/deposit/lightning-invoice/id/${id ?? ''}`, { account, signal }),
    enabled: account !== undefined && id !== undefined,
    refetchInterval: ({ state }) => (state.data?.data.state === 'OPEN' ? 1_000 : false),
    select: (answer) => answer.data,
  })
}

export function useActivity(account: string | undefined, days: number) {
  return useQuery({
    queryKey: ['activity', account, days],
    queryFn: ({ signal }) =>
      call<Activity>(`/admin/v1/accounts/${account ?? ''}/activity?days=${days}`, { signal }),
    enabled: account !== undefined,
    refetchInterval: 30_000,
  })
}

export function useNode() {
  return useQuery({
    queryKey: ['node'],
    queryFn: ({ signal }) => call<NodeInfo>('/admin/v1/node', { signal }),
    refetchInterval: 5_000,
  })
}

export function useVerdict() {
  return useQuery({
    queryKey: ['reconciliation'],
    queryFn: ({ signal }) => call<Verdict>('/admin/v1/reconciliation', { signal }),
    refetchInterval: 5_000,
  })
}

function rows<T>(answer: T[] | { data: T[] }): T[] {
  return Array.isArray(answer) ? answer : answer.data
}

export function useWebhooks() {
  return useQuery({
    queryKey: ['webhooks'],
    queryFn: ({ signal }) => call<Webhook[] | { data: Webhook[] }>('/admin/v1/webhooks', { signal }),
    select: rows,
  })
}

export function useKeys() {
  return useQuery({
    queryKey: ['keys'],
    queryFn: ({ signal }) => call<ApiKey[] | { data: ApiKey[] }>('/admin/v1/keys', { signal }),
    select: rows,
  })
}
