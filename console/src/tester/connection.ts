// A SignalR connection with a key that stays in this page, and what it hears.

import { HttpTransportType, HubConnectionBuilder, LogLevel, type HubConnection } from '@microsoft/signalr'
import { useEffect, useRef, useState } from 'react'

export interface Heard {
  number: number
  at: string
  what: string
  body: unknown
}

export type State = 'Disconnected' | 'Connecting' | 'Connected' | 'Reconnecting'

export function useHub(path: string, event: string) {
  const [state, setState] = useState<State>('Disconnected')
  const [log, setLog] = useState<Heard[]>([])
  const connection = useRef<HubConnection | null>(null)
  const say = (what: string, body: unknown) =>
    setLog((before) => [{ number: before.length + 1, at: new Date().toISOString(), what, body }, ...before])

  useEffect(() => () => void connection.current?.stop(), [])

  const connect = async (key: string) => {
    const made = new HubConnectionBuilder()
      .withUrl(path, { accessTokenFactory: () => key, transport: HttpTransportType.WebSockets })
      .withAutomaticReconnect()
      .configureLogging(LogLevel.None)
      .build()
    made.on(event, (body: unknown) => say(event, body))
    made.onreconnecting(() => setState('Reconnecting'))
    made.onreconnected(() => setState('Connected'))
    made.onclose((error) => {
      setState('Disconnected')
      if (error) say('closed', error.message)
    })
    connection.current = made
    setState('Connecting')
    try {
      await made.start()
      setState('Connected')
    } catch (error) {
      setState('Disconnected')
      say('not connected', error instanceof Error ? error.message : String(error))
    }
  }

  const invoke = async (command: string, values: string[]) => {
    say(`invoke ${command}`, values)
    try {
      const answer: unknown = await connection.current?.invoke(command, ...values)
      if (answer !== undefined && answer !== null) say('answered', answer)
    } catch (error) {
      say('failed', error instanceof Error ? error.message : String(error))
    }
  }

  const disconnect = async () => {
    await connection.current?.stop()
    connection.current = null
  }

  return { state, log, connect, invoke, disconnect, clear: () => setLog([]) }
}
