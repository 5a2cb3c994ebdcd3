import { Text } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { useEffect, useState } from 'react'

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
]

export function ago(then: Date, now: Date): string {
  let amount = (then.getTime() - now.getTime()) / 1_000
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return RELATIVE.format(Math.trunc(amount), unit)
    amount /= size
  }
  return then.toISOString()
}

/** How long ago something was; the exact time shows under the pointer. */
export function Time({ at }: { at: string }) {
  const [now, setNow] = useState(() => new Date())
  const clock = useInterval(() => setNow(new Date()), 10_000)
  useEffect(() => {
    clock.start()
    return clock.stop
  }, [])
  const then = new Date(at)
  return (
    <Text component="time" dateTime={at} title={then.toLocaleString()} size="sm" c="dimmed" className="number">
      {ago(then, now)}
    </Text>
  )
}
