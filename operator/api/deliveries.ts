/** The routes of the webhook delivery log, and to send one of it again. */
import { z } from 'zod'
import { data, paging, readQuery } from './answer.ts'
import { failure } from './errors.ts'
import { pathNames } from './router.ts'
import type { Router } from './router.ts'
import { attemptView, deliveryView } from './views.ts'
import type { World } from './world.ts'

export function deliveryRoutes(router: Router, world: World): void {
  router.on('/deliveries', {
    async GET(request) {
      const query = readQuery(request, {
        ...paging,
        namespace: z.string().max(63).optional(),
        name: z.string().max(253).optional(),
      })
      if (query.kind === 'Failure') return query
      const { page, perPage, namespace, name } = query.value
      const { items, total } = await world.history.outbox.list({
        page,
        perPage,
        ...(namespace !== undefined && { namespace }),
        ...(name !== undefined && { name }),
      })
      return { kind: 'List', items: items.map(deliveryView), total, page, perPage }
    },
  })

  router.on('/deliveries/:id', {
    async GET(request) {
      const id = idOf(pathNames(request).id)
      const delivery = id === undefined ? undefined : await world.history.outbox.get(id)
      if (!delivery) return noDelivery(pathNames(request).id)
      const log = await world.history.outbox.attempts(delivery.id)
      return data({ ...deliveryView(delivery), log: log.map(attemptView) })
    },
  })

  router.on('/deliveries/:id/replay', {
    async POST(request) {
      const { id: text } = pathNames(request)
      const id = idOf(text)
      const result = id === undefined ? 'NotFound' : await world.replay(id)
      if (id === undefined || result === 'NotFound') return noDelivery(text)
      if (result === 'Held')
        return failure('CannotReplay', `The delivery ${id} is held back by a maintenance window and goes when it ends.`)
      return { kind: 'Data', status: 202, data: { id } }
    },
  })
}

const idOf = (text: string): number | undefined => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined)

const noDelivery = (id: string) => failure('DeliveryNotFound', `There is no delivery ${id}.`)
