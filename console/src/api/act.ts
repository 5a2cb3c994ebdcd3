// Something that the operator does: once, with a word of what came of it.

import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'

/** Runs `act`, says `done` or why not, and looks at everything again. */
export function useAct<In, Out>(act: (input: In) => Promise<Out>, done: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: () => notifications.show({ color: 'green', message: done }),
    onError: (error) =>
      notifications.show({ color: 'red', title: 'That did not work', message: error.message }),
    onSettled: () => queries.invalidateQueries(),
  })
}
