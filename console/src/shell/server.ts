import { useQuery } from '@tanstack/react-query'

import { call } from '../api/client'
import type { Server } from '../api/types'

/** What the server is; it does not change while it runs. */
export function useServer() {
  return useQuery({
    queryKey: ['server'],
    queryFn: ({ signal }) => call<Server>('/admin/v1/server', { signal }),
    staleTime: Infinity,
  })
}
