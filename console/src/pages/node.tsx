// The Lightning node: what its channels can carry, whom it knows, what its own wallet holds.

import {
  Badge,
  Button,
  Card,
  Group,
  Modal,
  NumberInput,
  Progress,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconTopologyStar3 } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { useAct } from '../api/act'
import { call } from '../api/client'
import { useNode } from '../api/queries'
import type { NodeInfo } from '../api/types'
import { Amount } from '../parts/amount'
import { Copyable } from '../parts/copy'
import { Answer, Empty, Page, Problem } from '../parts/page'
import { StatusBadge } from '../parts/status'

export function Node() {
  const node = useNode()
  return (
    <Page title="Node">
      <Answer of={node}>
        {(found) => (
          <>
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Identity node={found} />
              <Wallet node={found} />
            </SimpleGrid>
            <Channels channels={found.channels} closing={found.closing_channels} />
            <Peers peers={found.peers} />
          </>
        )}
      </Answer>
    </Page>
  )
}

function Identity({ node }: { node: NodeInfo }) {
  return (
    <Card withBorder>
      <Text size="sm" c="dimmed" component="h2">
        Identity
      </Text>
      <Copyable text={node.node_id} what="node id" whole />
      <Text size="sm">Block {node.block_height}</Text>
    </Card>
  )
}

function Wallet({ node }: { node: NodeInfo }) {
  const address = useMutation({
    mutationFn: () => call<{ address: string }>('/admin/v1/node/address', { method: 'POST', body: {} }),
  })
  return (
    <Card withBorder>
      <Text size="sm" c="dimmed" component="h2">
        The node&apos;s own wallet
      </Text>
      <Amount msat={node.wallet.total_sats * 1_000} fw={700} size="xl" />
      <Text size="sm" c="dimmed">
        <Amount msat={node.wallet.spendable_sats * 1_000} /> can be spent,{' '}
        <Amount msat={node.wallet.anchor_reserve_sats * 1_000} /> kept for closing channels
      </Text>
      <Stack gap="xs" align="start" mt="xs">
        <Button size="xs" variant="default" onClick={() => address.mutate()} loading={address.isPending}>
          Address to fund it
        </Button>
        {address.data && <Copyable text={address.data.address} what="address" whole />}
        {address.error && <Problem error={address.error} />}
      </Stack>
    </Card>
  )
}

function Channels({ channels, closing }: { channels: NodeInfo['channels']; closing: number }) {
  const [isOpen, { open, close }] = useDisclosure()
  const closeChannel = useAct(
    (id: string) => call(`/admin/v1/node/channels/${id}/close`, { method: 'POST', body: {} }),
    'The channel is closing',
  )
  return (
    <Card withBorder>
      <Group justify="space-between" mb="sm">
        <Text fw={600} component="h2">
          Channels {closing > 0 && <Badge color="yellow">{closing} closing</Badge>}
        </Text>
        <Button size="xs" variant="default" onClick={open}>
          Open a channel
        </Button>
      </Group>
      {channels.length === 0 && (
        <Empty icon={<IconTopologyStar3 />} title="No channels">
          Payments need a channel. Fund the wallet, then open one to a well connected node.
        </Empty>
      )}
      <Stack>
        {channels.map((channel) => (
          <Stack key={channel.id} gap={4}>
            <Group justify="space-between">
              <Group gap="xs">
                <Copyable text={channel.peer} what="node id of the peer" />
                <StatusBadge status={channel.state} />
              </Group>
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => closeChannel.mutate(channel.id)}
                aria-label={`Close the channel with ${channel.peer}`}
              >
                Close
              </Button>
            </Group>
            <ChannelBar channel={channel} />
          </Stack>
        ))}
      </Stack>
      <OpenChannel isOpen={isOpen} close={close} />
    </Card>
  )
}

function ChannelBar({ channel }: { channel: NodeInfo['channels'][number] }) {
  const share = (msat: number) => (msat / (channel.capacity_sats * 1_000)) * 100
  return (
    <>
      <Progress.Root size="lg">
        <Progress.Section
          value={share(channel.outbound_msat)}
          color="brand"
          aria-label={`can send ${channel.outbound_msat / 1_000} sat`}
        />
        <Progress.Section
          value={share(channel.inbound_msat)}
          color="green"
          aria-label={`can receive ${channel.inbound_msat / 1_000} sat`}
        />
      </Progress.Root>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          can send <Amount msat={channel.outbound_msat} size="xs" />
        </Text>
        <Text size="xs" c="dimmed">
          can receive <Amount msat={channel.inbound_msat} size="xs" />
        </Text>
      </Group>
    </>
  )
}

function OpenChannel({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  const [peer, setPeer] = useState('')
  const [amount, setAmount] = useState<number | string>(1_000_000)
  const open = useAct(
    () =>
      call('/admin/v1/node/channels', {
        method: 'POST',
        body: { peer: peer.trim(), amount_sats: Number(amount) },
      }),
    'The channel is opening: it can be used after some blocks',
  )
  return (
    <Modal opened={isOpen} onClose={close} title="Open a channel">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          open.mutate(undefined, { onSuccess: close })
        }}
      >
        <Stack>
          <TextInput
            label="Peer"
            description="node id@host:port"
            required
            value={peer}
            onChange={(event) => setPeer(event.currentTarget.value)}
          />
          <NumberInput
            label="Amount"
            suffix=" sat"
            min={1}
            allowDecimal={false}
            thousandSeparator=","
            value={amount}
            onChange={setAmount}
          />
          <Button type="submit" loading={open.isPending}>
            Open
          </Button>
        </Stack>
      </form>
    </Modal>
  )
}

function Peers({ peers }: { peers: NodeInfo['peers'] }) {
  return (
    <Card withBorder>
      <Text fw={600} component="h2">
        Peers
      </Text>
      <Table>
        <Table.Tbody>
          {peers.map((peer) => (
            <Table.Tr key={peer.node_id}>
              <Table.Td>
                <Copyable text={peer.node_id} what="node id" />
              </Table.Td>
              <Table.Td>{peer.address}</Table.Td>
              <Table.Td>{peer.connected ? 'connected' : 'away'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  )
}
