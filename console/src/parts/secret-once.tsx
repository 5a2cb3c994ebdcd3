import { Alert, Stack, Text } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'

import { Copyable } from './copy'

/** A secret on its only showing. */
export function SecretOnce({ name, secret }: { name: string; secret: string }) {
  return (
    <Alert color="green" icon={<IconKey />} title={`${name}: copy it now`}>
      <Stack gap="xs">
        <Copyable text={secret} what={name.toLowerCase()} whole />
        <Text size="sm">
          It is shown once. The server keeps what it needs to check it, and nobody can read it again.
        </Text>
      </Stack>
    </Alert>
  )
}
