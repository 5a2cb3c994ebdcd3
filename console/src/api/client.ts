// Calls of the server. Every failure is a `Failure` that says what to do; nothing here keeps a secret beyond the page.

/** What the server said no with: a member of its closed catalogue. */
export class Failure extends Error {
  readonly code: string
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'Failure'
    this.status = status
    this.code = code
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface Call {
  method?: Method
  body?: unknown
  /** The account that the call is about: its customer's API is called in its name. */
  account?: string | undefined
  signal?: AbortSignal | undefined
  /** Makes a repeat of this call the same call. */
  idempotencyKey?: string
}

let csrfToken = ''

/** The token that a page sends beside its cookie; from the session's answer. */
export function keepCsrfToken(token: string): void {
  csrfToken = token
}

async function failure(response: Response): Promise<Failure> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as { code?: string; message?: string }
    return new Failure(response.status, body.code ?? 'unknown', body.message ?? response.statusText)
  } catch {
    return new Failure(response.status, 'unknown', text.slice(0, 200) || response.statusText)
  }
}

/** Calls the server and answers the body of its answer. */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  const method = options.method ?? 'GET'
  if (method !== 'GET') headers['x-csrf-token'] = csrfToken
  if (options.account !== undefined) headers['x-leyden-account'] = options.account
  if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey
  if (options.body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new Failure(
      0,
      'unreachable',
      'The server does not answer. It may be restarting: the page tries again.',
    )
  }
  if (!response.ok) throw await failure(response)
  return (await response.json()) as T
}

/** The answer of the customer's API: the object or the rows, and where the next page begins. */
export interface Success<T> {
  status: number
  message: string
  data: T
  next_cursor?: string
}
