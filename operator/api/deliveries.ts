/** The route of the webhook delivery log. */
import { z } from 'zod'
import { paging, readQuery } from './answer.ts'
import type { Router } from './router.ts'
import { deliveryView } from './views.ts'
import type { World } from './world.ts'

export function deliveryRoutes(router: Router, { history }: World): void {
  router.on('/deliveries', {
    async GET(request) {
      const query = readQuery(request, {
        ...paging,
        namespace: z.string().max(63).optional(),
        name: z.string().max(253).optional(),
      })
      if (query.kind === 'Failure') return query
      const { page, perPage, namespace, name } = query.value
      const { items, total } = await history.outbox.list({
        page,
        perPage,
        ...(namespace !== undefined && { namespace }),
        ...(name !== undefined && { name }),
      })
      return { kind: 'List', items: items.map(deliveryView), total, page, perPage }
    },
  })
}
