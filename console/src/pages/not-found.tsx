import { Anchor } from '@mantine/core'
import { IconMapQuestion } from '@tabler/icons-react'
import { Link } from 'react-router'

import { Empty, Page } from '../parts/page'

export function NotFound() {
  return (
    <Page title="No such page">
      <Empty icon={<IconMapQuestion />} title="There is nothing here">
        <Anchor component={Link} to="/">
          Go to the overview
        </Anchor>
      </Empty>
    </Page>
  )
}
