// Which page stands at which path, for somebody who has come in.

import { Center, Loader } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { Navigate, Route, Routes } from 'react-router'

import { NotFound } from './pages/not-found'
import { useSession } from './session/session'
import { Login } from './session/login'
import { Shell } from './shell/shell'

const Overview = lazy(async () => ({ default: (await import('./pages/overview')).Overview }))
const Transactions = lazy(async () => ({ default: (await import('./pages/transactions')).Transactions }))
const TransactionPage = lazy(async () => ({ default: (await import('./pages/transaction')).TransactionPage }))
const Receive = lazy(async () => ({ default: (await import('./pages/receive')).Receive }))
const Send = lazy(async () => ({ default: (await import('./pages/send')).Send }))
const Webhooks = lazy(async () => ({ default: (await import('./pages/webhooks')).Webhooks }))
const WebhookPage = lazy(async () => ({ default: (await import('./pages/webhook')).WebhookPage }))
const Keys = lazy(async () => ({ default: (await import('./pages/keys')).Keys }))
const Approvals = lazy(async () => ({ default: (await import('./pages/approvals')).Approvals }))
const Accounts = lazy(async () => ({ default: (await import('./pages/accounts')).Accounts }))
const Node = lazy(async () => ({ default: (await import('./pages/node')).Node }))
const Audit = lazy(async () => ({ default: (await import('./pages/audit')).Audit }))
const Settings = lazy(async () => ({ default: (await import('./pages/settings')).Settings }))
const Tester = lazy(async () => ({ default: (await import('./pages/tester')).Tester }))

const waiting = (
  <Center h="60vh">
    <Loader aria-label="Loading" />
  </Center>
)

export function App() {
  const session = useSession()
  if (session.isPending) return waiting
  if (!session.data) return <Login />
  return (
    <Shell session={session.data}>
      <Suspense fallback={waiting}>
        <Routes>
          <Route index element={<Overview />} />
          <Route path="transactions" element={<Transactions />} />
          <Route path="transactions/:kind/:id" element={<TransactionPage />} />
          <Route path="receive" element={<Receive />} />
          <Route path="send" element={<Send />} />
          <Route path="webhooks" element={<Webhooks />} />
          <Route path="webhooks/:id" element={<WebhookPage />} />
          <Route path="keys" element={<Keys />} />
          <Route path="approvals" element={<Approvals />} />
          <Route path="accounts" element={<Accounts />} />
          <Route path="node" element={<Node />} />
          <Route path="audit" element={<Audit />} />
          <Route path="settings" element={<Settings />} />
          <Route path="tester" element={<Tester />} />
          <Route path="login" element={<Navigate to="/" replace />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </Shell>
  )
}
