// Every hub command and every path, with its fields, examples, and a test of it.

import { Box, Grid, NavLink, Text } from '@mantine/core'
import { useSearchParams } from 'react-router'

import { Answer, Page } from '../parts/page'
import { useHubDescription, useOperations } from '../tester/description'
import { HubCommandPage } from '../tester/hub-tester'
import { OperationPage } from '../tester/rest-tester'

export function Tester() {
  const hub = useHubDescription()
  const rest = useOperations()
  const [search, setSearch] = useSearchParams()
  const commands = hub.data?.commands ?? []
  const operations = rest.data ?? []
  const chosen = search.get('call') ?? commands[0]?.name ?? ''
  const command = commands.find(({ name }) => name === chosen)
  const operation = operations.find(({ method, path }) => `${method} ${path}` === chosen)
  const choose = (call: string) => setSearch({ call })
  return (
    <Page title="API tester">
      <Grid>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Box component="nav" aria-label="Calls">
            <Text size="sm" c="dimmed">
              Hub commands
            </Text>
            {commands.map(({ name }) => (
              <NavLink
                key={name}
                component="button"
                label={name}
                active={name === chosen}
                onClick={() => choose(name)}
              />
            ))}
            <Text size="sm" c="dimmed" mt="sm">
              REST
            </Text>
            {operations.map(({ method, path }) => {
              const call = `${method} ${path}`
              return (
                <NavLink
                  key={call}
                  component="button"
                  label={path}
                  description={method}
                  active={call === chosen}
                  onClick={() => choose(call)}
                />
              )
            })}
          </Box>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 8 }}>
          {operation && <OperationPage operation={operation} />}
          {!operation && (
            <Answer of={hub}>
              {({ path }) =>
                command ? <HubCommandPage key={command.name} path={path} command={command} /> : null
              }
            </Answer>
          )}
        </Grid.Col>
      </Grid>
    </Page>
  )
}
