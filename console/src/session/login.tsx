import {
  Alert,
  Button,
  Center,
  Code,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { useState } from 'react'

import { useLogin } from './session'

export function Login() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const login = useLogin()
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder p="xl" w={380} component="main">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            login.mutate({ name, password })
          }}
        >
          <Stack>
            <Group gap="sm">
              <img src="/icon.svg" alt="" width={32} height={32} />
              <Title order={1} size="h2">
                Leyden
              </Title>
            </Group>
            {login.error && (
              <Alert color="red" role="alert" title="Not signed in">
                {login.error.message}
              </Alert>
            )}
            <TextInput
              label="Name"
              autoComplete="username"
              required
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Button type="submit" loading={login.isPending} fullWidth>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              The first person is made on the server: <Code>leyden user create NAME</Code>
            </Text>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
