// What stands around every page.

import {
  ActionIcon,
  Anchor,
  AppShell,
  Burger,
  Button,
  Group,
  Menu,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import type { Session } from '../api/types'
import { useLogout } from '../session/session'
import { AccountPicker, AccountProvider } from './account'
import { Navigation } from './navigation'
import { SandboxBar } from './sandbox-bar'
import { Halted } from './halted'
import { useServer } from './server'

export function Shell({ session, children }: { session: Session; children: ReactNode }) {
  const [isOpen, { toggle, close }] = useDisclosure()
  const server = useServer()
  return (
    <AccountProvider>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 210, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
        padding="md"
      >
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Show the pages" />
              <Anchor component={Link} to="/" c="inherit" underline="never" aria-label="Leyden, overview">
                <Group gap={8} wrap="nowrap">
                  <img src="/icon.svg" alt="" width={26} height={26} />
                  <Text fw={700} size="lg" className="brand" visibleFrom="xs">
                    Leyden
                  </Text>
                </Group>
              </Anchor>
              {server.data && server.data.network !== 'mainnet' && (
                <Text size="xs" c="dimmed" visibleFrom="sm">
                  {server.data.sandbox ? 'sandbox' : server.data.network}
                </Text>
              )}
            </Group>
            <Group gap="xs" wrap="nowrap">
              <AccountPicker />
              <ColorScheme />
              <Person name={session.name} />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs">
          <Navigation onChoose={close} />
        </AppShell.Navbar>
        <AppShell.Main>
          <Halted />
          {server.data?.sandbox && <SandboxBar />}
          {children}
        </AppShell.Main>
      </AppShell>
    </AccountProvider>
  )
}

function ColorScheme() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = scheme === 'light' ? 'dark' : 'light'
  return (
    <ActionIcon
      variant="default"
      size="md"
      aria-label={`Use ${other} colours`}
      onClick={() => setColorScheme(other)}
    >
      {scheme === 'light' ? <IconMoon size={16} /> : <IconSun size={16} />}
    </ActionIcon>
  )
}

function Person({ name }: { name: string }) {
  const logout = useLogout()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconUser size={14} aria-hidden />}>
          {name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconLogout size={14} />} onClick={() => logout.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
