// Money that stands still is the first thing to see on every page.

import { Alert, Anchor } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'

import { call } from '../api/client'
import type { ServerState } from '../api/types'

export function useServerState() {
  return useQuery({
    queryKey: ['server', 'state'],
    queryFn: ({ signal }) => call<ServerState>('/admin/v1/server/state', { signal }),
    refetchInterval: 5_000,
  })
}

export function Halted() {
  const state = useServerState()
  if (!state.data?.halted) return null
  return (
    <Alert color="red" mb="md" role="alert" icon={<IconAlertTriangle />} title="Money is halted">
      {state.data.halt_reason ?? 'The reason stands in the log of the server.'} Nothing is sent until somebody
      has looked: see{' '}
      <Anchor component={Link} to="/audit">
        Audit
      </Anchor>
      .
    </Alert>
  )
}
