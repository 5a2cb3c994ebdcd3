// Who has come in. The cookie is the server's business: no script can read it.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { call, Failure, keepCsrfToken } from '../api/client'
import type { Session } from '../api/types'

const KEY = ['session']

async function present(): Promise<Session | null> {
  try {
    const session = await call<Session>('/admin/v1/session')
    keepCsrfToken(session.csrf_token)
    return session
  } catch (error) {
    if (error instanceof Failure && error.status === 401) return signedInBySandbox()
    throw error
  }
}

/** A sandbox on this machine lets whoever opens its page in: there is no money in it. */
async function signedInBySandbox(): Promise<Session | null> {
  try {
    const session = await call<Session>('/sandbox/session', { method: 'POST', body: {} })
    keepCsrfToken(session.csrf_token)
    return session
  } catch {
    return null
  }
}

export function useSession() {
  return useQuery({ queryKey: KEY, queryFn: present, staleTime: 300_000, refetchOnWindowFocus: true })
}

export function useLogin() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (given: { name: string; password: string }) =>
      call<Session>('/admin/v1/session', { method: 'POST', body: given }),
    onSuccess: (session) => {
      keepCsrfToken(session.csrf_token)
      queries.setQueryData(KEY, session)
    },
  })
}

export function useLogout() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => call('/admin/v1/session', { method: 'DELETE' }),
    onSettled: () => {
      keepCsrfToken('')
      queries.clear()
      queries.setQueryData(KEY, null)
    },
  })
}
