import {
  Badge,
  Button,
  Card,
  Code,
  Group,
  PasswordInput,
  Stack,
  Table,
  Tabs,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { useState } from 'react'

import { ScrollTable } from '../parts/scroll-table'
import { useChosen } from '../shell/account'
import { call } from '../api/client'
import { useServer } from '../shell/server'
import { useHub } from './connection'
import type { HubCommand } from './description'
import { hubSnippets, type Snippet } from './snippets'

export function HubCommandPage({ path, command }: { path: string; command: HubCommand }) {
  return (
    <Stack>
      <Title order={2} size="h3">
        {command.name}
      </Title>
      <Text>{command.description}</Text>
      <ScrollTable label="Arguments" heads={['Argument', 'Type', 'Required', 'What it is']}>
        {command.arguments.map((argument) => (
          <Table.Tr key={argument.name}>
            <Table.Td>
              <Code>{argument.name}</Code>
            </Table.Td>
            <Table.Td>{argument.type}</Table.Td>
            <Table.Td>{argument.required ? 'yes' : 'no'}</Table.Td>
            <Table.Td>{argument.description}</Table.Td>
          </Table.Tr>
        ))}
      </ScrollTable>
      <Text size="sm">
        It is answered by the event <Code>{command.event}</Code> with one of these subjects:
      </Text>
      <Stack gap={2}>
        {command.subjects.map((subject) => (
          <Text key={subject} className="code">
            {subject}
          </Text>
        ))}
      </Stack>
      <Snippets snippets={hubSnippets(window.location.origin + path, command)} />
      <Text fw={600}>An answer</Text>
      <Code block tabIndex={0}>
        {JSON.stringify(command.example_event, null, 2)}
      </Code>
      <HubTester path={path} command={command} />
    </Stack>
  )
}

export function Snippets({ snippets }: { snippets: Snippet[] }) {
  return (
    <Tabs defaultValue={snippets[0]?.language ?? ''}>
      <Tabs.List>
        {snippets.map(({ language }) => (
          <Tabs.Tab key={language} value={language}>
            {language}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {snippets.map(({ language, code }) => (
        <Tabs.Panel key={language} value={language} pt="xs">
          <Code block tabIndex={0}>
            {code}
          </Code>
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}

function HubTester({ path, command }: { path: string; command: HubCommand }) {
  const hub = useHub(path, command.event)
  const { account } = useChosen()
  const server = useServer()
  const [key, setKey] = useState('')
  const [values, setValues] = useState(() => command.arguments.map(() => ''))
  const isConnected = hub.state === 'Connected'
  const fill = async () => {
    const made = await call<{ payment_request: string }>('/sandbox/invoice', {
      method: 'POST',
      body: { amount_sats: 1_000 },
    })
    setValues(
      command.arguments.map(({ name }) => (name === 'ClientId' ? crypto.randomUUID() : made.payment_request)),
    )
  }
  const makeKey = async () => {
    const made = await call<{ key: string }>('/admin/v1/keys', {
      method: 'POST',
      body: { name: 'tester', account_id: account?.id },
    })
    setKey(made.key)
  }
  return (
    <Card withBorder component="section" aria-label="Test this command">
      <Stack>
        <Group justify="space-between">
          <Text fw={600}>Test this command</Text>
          <Badge color={isConnected ? 'green' : 'gray'} role="status">
            {hub.state}
          </Badge>
        </Group>
        <PasswordInput
          label="API key"
          description="It stays in this page: it is not stored anywhere, and gone when you leave"
          autoComplete="off"
          disabled={isConnected}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <Group>
          {isConnected ? (
            <Button variant="default" onClick={() => void hub.disconnect()}>
              Disconnect
            </Button>
          ) : (
            <Button
              disabled={key === ''}
              loading={hub.state === 'Connecting'}
              onClick={() => void hub.connect(key)}
            >
              Connect
            </Button>
          )}
          {server.data?.sandbox && !isConnected && (
            <Button variant="default" onClick={() => void makeKey()}>
              Make a key for me
            </Button>
          )}
          {server.data?.sandbox && (
            <Button variant="default" onClick={() => void fill()}>
              Fill in an example
            </Button>
          )}
        </Group>
        {command.arguments.map((argument, index) => (
          <TextInput
            key={argument.name}
            label={argument.name}
            placeholder={argument.example}
            value={values[index] ?? ''}
            onChange={(event) => {
              const value = event.currentTarget.value
              setValues((before) => before.map((old, at) => (at === index ? value : old)))
            }}
          />
        ))}
        <Button disabled={!isConnected} onClick={() => void hub.invoke(command.name, values)}>
          Invoke {command.name}
        </Button>
        <Group justify="space-between">
          <Text fw={600}>What was heard</Text>
          <Button size="compact-xs" variant="default" onClick={hub.clear}>
            Clear
          </Button>
        </Group>
        <Stack gap="xs" role="log" aria-label="Events">
          {hub.log.length === 0 && (
            <Text size="sm" c="dimmed">
              Nothing yet. Connect, then invoke the command.
            </Text>
          )}
          {hub.log.map((heard) => (
            <div key={heard.number}>
              <Text size="xs" c="dimmed">
                {heard.at} {heard.what}
              </Text>
              <Code block tabIndex={0}>
                {JSON.stringify(heard.body, null, 2)}
              </Code>
            </div>
          ))}
        </Stack>
      </Stack>
    </Card>
  )
}
