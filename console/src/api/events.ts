// The eleven events of the contract.

export const EVENTS = [
  'deposit.lightning.completed',
  'deposit.lightning.failed',
  'deposit.onchain.completed',
  'deposit.onchain.failed',
  'deposit.onchain.pending',
  'withdrawal.lightning.completed',
  'withdrawal.lightning.failed',
  'withdrawal.lightning.pending',
  'withdrawal.onchain.completed',
  'withdrawal.onchain.failed',
  'withdrawal.onchain.pending',
]
