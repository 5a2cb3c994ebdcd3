// What the server answers, as the console reads it. Amounts say their unit.

export type Status = 'pending' | 'settled' | 'failed'

export interface Session {
  name: string
  csrf_token: string
  expires_at: string
}

export interface Server {
  version: string
  network: string
  sandbox: boolean
  hub_path: string
}

export interface Account {
  id: string
  name: string
  created_at: string
  closed_at: string | null
  balance_msat?: number
  held_msat?: number
}

export interface Transaction {
  id: string
  company_id: string
  amount_sats: number
  recipient: string
  rail_type: 'lightning' | 'onchain'
  network_type: string
  type: 'deposit' | 'withdrawal'
  fee_microsats: number
  status: Status
  created_at: string
  updated_at: string
}

export interface Pending {
  reason: string
  says: string
  attempts: number
  next_attempt_at: string | null
  invoice_expires_at: string
  held: { amount_msat: number; fee_reserve_msat: number; platform_fee_msat: number }
  htlc: { amount_msat: number; expires_height: number; block_height: number; as_of: string } | null
  resolves_by: string
  resolves_by_height: number | null
  after_restart: string
}

export interface Withdrawal {
  id: string
  ledger_tx_id: string
  amount_sats: number
  recipient: string
  fee_sats: number
  rail_type: string
  status: Status
  lightning_payment: {
    payment_hash: string
    payment_preimage: string
    fee_msat: string
    status: string
    failure_reason: string
  } | null
  chain_tx_id: string | null
  metadata: Record<string, unknown> | null
  created_at: string
  updated_at: string
  pending?: Pending
}

export interface Deposit {
  id: string
  ledger_tx_id: string
  amount_sats: number
  recipient: string
  fee_sats: number
  rail_type: string
  status: Status
  chain_tx_id: string | null
  lightning_invoice_id: string | null
  metadata: Record<string, unknown> | null
  created_at: string
  updated_at: string
}

export interface Invoice {
  id: string
  memo: string
  r_hash: string
  amount_sats: number
  settled: boolean
  state: 'OPEN' | 'SETTLED' | 'CANCELED' | 'ACCEPTED'
  payment_request: string
  expiry: string
  metadata: Record<string, unknown> | null
  created_at: string
}

export interface Estimate {
  recipient: string
  recipient_type: string
  amount_sats: number
  bitvora_fee_sats: number
  success_probability: number
}

export interface AccountEvent {
  sequence: number
  id: string
  created_at: string
  body: { event: string; data: Record<string, unknown> }
}

export interface Webhook {
  id: string
  account_id: string
  url: string
  description: string
  events: string[]
  headers: string[]
  state: string
  disabled: boolean
  disabled_reason?: string
  ordered: boolean
  max_in_flight: number
  per_second: number | null
  created_at: string
}

export interface CreatedWebhook extends Webhook {
  secret: string
  standard_secret: string
}

export interface Delivery {
  id: string
  event: string
  occurred_at: string
  state: string
  attempts: number
  next_at?: string
  last_status?: number
  last_error?: string
}

export interface Attempt {
  number: number
  started_at: string
  outcome: string
  status?: number
  error?: string
  latency_us: { dns?: number; connect?: number; tls?: number; first_byte?: number; total: number }
  response: string
}

export interface ApiKey {
  id: string
  account_id: string
  name: string
  scopes: string[]
  expires_at: string | null
  networks: string[]
  destinations: string[]
  max_payment_sats: number | null
  approval_above_sats: number | null
  budgets: { limit_sats: number; seconds: number }[]
  created_at: string
  revoked_at: string | null
}

export interface NodeInfo {
  node_id: string
  block_height: number
  wallet: { total_sats: number; spendable_sats: number; anchor_reserve_sats: number }
  channels: {
    id: string
    peer: string
    state: string
    capacity_sats: number
    outbound_msat: number
    inbound_msat: number
    opened_by_us: boolean
    announced: boolean
  }[]
  closing_channels: number
  peers: { node_id: string; address: string; connected: boolean }[]
}

export interface Named {
  name: string
  says: string
  payment_hash: string | null
  node_msat: number | null
  booked_msat: number | null
}

export interface Verdict {
  clean: boolean
  checked_at: string
  everything_at: string | null
  payments_compared: number
  books: { lightning_float_msat: number; node_wallet_msat: number; to_be_booked_msat: number }
  node: {
    at_least_msat: number
    at_most_msat: number
    in_flight_msat: number
    wallet_msat: number
    channels: number
  }
  unexplained: Named[]
  repaired: Named[]
  on_its_way: Named[]
}

export interface SandboxOverview {
  height: number
  tip: string
  node_id: string
  counterparty_node_id: string
  balances: Record<'node' | 'counterparty' | 'router', { onchain_sats: number; lightning_sats: number }>
}

export interface ServerState {
  halted: boolean
  halt_reason: string | null
}

export interface Activity {
  days: {
    day: string
    received_msat: number
    sent_msat: number
    fees_msat: number
    settled: number
    failed: number
  }[]
}

/** A transfer of the double-entry books. */
export interface LedgerEntry {
  debit: string
  credit: string
  amount_msat: number
  kind: 'moved' | 'held' | 'given back'
}

export interface AdminAct {
  id: string
  actor: string
  method: string
  path: string
  asked_at: string
  status: number | null
}
