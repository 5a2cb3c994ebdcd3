// All rows that match, as a file for a spreadsheet.

import { call, type Success } from '../api/client'
import type { Filters } from '../api/queries'
import type { Transaction } from '../api/types'

const COLUMNS = [
  'id',
  'type',
  'status',
  'rail_type',
  'amount_sats',
  'fee_microsats',
  'recipient',
  'created_at',
  'updated_at',
] as const

/** A cell: quoted, and never a formula to a spreadsheet. */
export function cell(value: string | number): string {
  const text = String(value)
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return `"${harmless.replaceAll('"', '""')}"`
}

export function csv(rows: Transaction[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(','))
  return [COLUMNS.join(','), ...lines, ''].join('\r\n')
}

export async function exportRows(account: string | undefined, filters: Filters): Promise<void> {
  const rows: Transaction[] = []
  let cursor: string | undefined = ''
  while (cursor !== undefined) {
    const given = Object.entries({ ...filters, limit: '1000', cursor }).filter(([, value]) => value)
    const query = new URLSearchParams(given as [string, string][])
    const page: Success<Transaction[]> = await call(`/v1/transactions?${query.toString()}`, { account })
    rows.push(...page.data)
    cursor = page.next_cursor
  }
  const url = URL.createObjectURL(new Blob([csv(rows)], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = 'transactions.csv'
  link.click()
  URL.revokeObjectURL(url)
}
