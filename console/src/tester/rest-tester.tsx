import {
  Badge,
  Button,
  Card,
  Code,
  Group,
  PasswordInput,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core'
import { useState } from 'react'

import type { Operation } from './description'
import { Snippets } from './hub-tester'
import { restSnippets } from './snippets'

interface Answered {
  status: number
  text: string
  took: number
}

export function OperationPage({ operation }: { operation: Operation }) {
  return (
    <Stack>
      <Group gap="xs">
        <Badge tt="none">{operation.method}</Badge>
        <Title order={2} size="h3" className="code">
          {operation.path}
        </Title>
      </Group>
      <Text>{operation.summary}</Text>
      {operation.description !== '' && <Text size="sm">{operation.description}</Text>}
      <Snippets snippets={restSnippets(window.location.origin, operation)} />
      <RestTester key={operation.method + operation.path} operation={operation} />
    </Stack>
  )
}

function RestTester({ operation }: { operation: Operation }) {
  const [key, setKey] = useState('')
  const [values, setValues] = useState<Record<string, string>>({})
  const [body, setBody] = useState(operation.body === undefined ? '' : JSON.stringify(operation.body, null, 2))
  const [answer, setAnswer] = useState<Answered>()
  const [isAsking, setIsAsking] = useState(false)
  const ask = async () => {
    const query = new URLSearchParams()
    let path = operation.path
    for (const { name, in: where } of operation.parameters) {
      const value = values[name] ?? ''
      if (where === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value))
      else if (value !== '') query.set(name, value)
    }
    setIsAsking(true)
    const began = performance.now()
    try {
      const response = await fetch(query.size > 0 ? `${path}?${query.toString()}` : path, {
        method: operation.method,
        // The cookie of this console is not the key's: the call is made as a program would make it.
        credentials: 'omit',
        headers: {
          ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
          ...(body === '' ? {} : { 'content-type': 'application/json' }),
        },
        body: body === '' ? null : body,
      })
      const text = await response.text()
      setAnswer({ status: response.status, text: pretty(text), took: performance.now() - began })
    } catch (error) {
      setAnswer({ status: 0, text: String(error), took: performance.now() - began })
    } finally {
      setIsAsking(false)
    }
  }
  return (
    <Card withBorder component="section" aria-label="Test this call">
      <Stack>
        <Text fw={600}>Test this call</Text>
        <PasswordInput
          label="API key"
          description="It stays in this page: it is not stored anywhere"
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        {operation.parameters.map((parameter) => (
          <TextInput
            key={parameter.name}
            label={parameter.name}
            description={parameter.description}
            required={parameter.required}
            value={values[parameter.name] ?? ''}
            onChange={(event) => {
              const value = event.currentTarget.value
              setValues((before) => ({ ...before, [parameter.name]: value }))
            }}
          />
        ))}
        {operation.body !== undefined && (
          <Textarea
            label="Body"
            autosize
            minRows={4}
            classNames={{ input: 'code' }}
            value={body}
            onChange={(event) => setBody(event.currentTarget.value)}
          />
        )}
        <Button onClick={() => void ask()} loading={isAsking}>
          Call it
        </Button>
        {answer && (
          <div role="status">
            <Text size="sm">
              {answer.status} in {answer.took.toFixed(0)} ms
            </Text>
            <Code block tabIndex={0}>
              {answer.text}
            </Code>
          </div>
        )}
      </Stack>
    </Card>
  )
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
