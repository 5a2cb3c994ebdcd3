import { Table, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'

/** A table that scrolls by itself on a narrow screen, by keyboard too. */
export function ScrollTable({
  label,
  heads,
  children,
}: {
  label: string
  heads: ReactNode[]
  children: ReactNode
}) {
  return (
    <Table.ScrollContainer
      minWidth={560}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': label } }}
    >
      <Table verticalSpacing="xs" highlightOnHover aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {heads.map((head, index) => (
              <Table.Th key={index}>{head === '' ? <VisuallyHidden>Actions</VisuallyHidden> : head}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
