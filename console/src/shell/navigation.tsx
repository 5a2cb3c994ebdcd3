// The pages and their order.

import { Box, NavLink } from '@mantine/core'
import {
  IconArrowDownLeft,
  IconArrowUpRight,
  IconBuildingBank,
  IconChecks,
  IconHome,
  IconKey,
  IconListDetails,
  IconPlugConnected,
  IconSettings,
  IconShieldCheck,
  IconTopologyStar3,
  IconWebhook,
} from '@tabler/icons-react'
import { Link, useLocation } from 'react-router'

const PAGES = [
  { to: '/', name: 'Overview', icon: IconHome },
  { to: '/transactions', name: 'Transactions', icon: IconListDetails },
  { to: '/receive', name: 'Receive', icon: IconArrowDownLeft },
  { to: '/send', name: 'Send', icon: IconArrowUpRight },
  { to: '/webhooks', name: 'Webhooks', icon: IconWebhook },
  { to: '/keys', name: 'API keys', icon: IconKey },
  { to: '/approvals', name: 'Approvals', icon: IconChecks },
  { to: '/accounts', name: 'Accounts', icon: IconBuildingBank },
  { to: '/node', name: 'Node', icon: IconTopologyStar3 },
  { to: '/audit', name: 'Audit', icon: IconShieldCheck },
  { to: '/tester', name: 'API tester', icon: IconPlugConnected },
  { to: '/settings', name: 'Settings', icon: IconSettings },
] as const

export function Navigation({ onChoose }: { onChoose: () => void }) {
  const { pathname } = useLocation()
  return (
    <Box component="nav" aria-label="Pages">
      {PAGES.map(({ to, name, icon: Icon }) => {
        const isHere = to === '/' ? pathname === '/' : pathname.startsWith(to)
        return (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={name}
            leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
            active={isHere}
            aria-current={isHere ? 'page' : undefined}
            onClick={onChoose}
          />
        )
      })}
    </Box>
  )
}
