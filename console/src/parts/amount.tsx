// Amounts as people read them: satoshis, with the millisatoshis that are there.

import { Text, type TextProps } from '@mantine/core'

const SATS = new Intl.NumberFormat('en', { maximumFractionDigits: 3 })

export function satsOf(msat: number): string {
  return SATS.format(msat / 1_000)
}

interface AmountProps extends TextProps {
  msat: number
  /** Whether a sign stands before it: money that came in or went out. */
  sign?: '+' | '−'
}

export function Amount({ msat, sign, ...props }: AmountProps) {
  return (
    <Text component="span" className="number" {...props}>
      {sign}
      {satsOf(msat)} sat
    </Text>
  )
}
