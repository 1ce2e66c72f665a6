/** The routes of the webhook delivery log, and to send one of it again. */
import { z } from 'zod'
import type { Access } from '../cluster/access.ts'
import { data, paging, readQuery } from './answer.ts'
import { failure } from './errors.ts'
import { pathNames } from './router.ts'
import type { Needs, Router } from './router.ts'
import { attemptView, deliveryView } from './views.ts'
import type { World } from './world.ts'

const filter = { namespace: z.string().max(63).optional(), name: z.string().max(253).optional() }

/** Deliveries tell of probes: to list those of a namespace is to list its probes. */
const inNamespaceAsked: Needs = (request) => {
  const query = readQuery(request, { ...paging, ...filter })
  if (query.kind === 'Failure') return query
  const { namespace } = query.value
  return [{ verb: 'list', kind: 'SipProbe', ...(namespace !== undefined && { namespace }) }]
}

export function deliveryRoutes(router: Router, world: World): void {
  const ofDelivery =
    (access: Access): Needs =>
    async (request) => {
      const id = idOf(pathNames(request).id)
      const delivery = id === undefined ? undefined : await world.history.outbox.get(id)
      if (!delivery) return noDelivery(pathNames(request).id)
      const { namespace, name } = delivery.probe
      return [{ ...access, namespace, name }]
    }

  router.on('/deliveries', inNamespaceAsked, {
    async GET(request) {
      const query = readQuery(request, { ...paging, ...filter })
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

  router.on('/deliveries/:id', ofDelivery({ verb: 'get', kind: 'SipProbe' }), {
    async GET(request) {
      const id = idOf(pathNames(request).id)
      const delivery = id === undefined ? undefined : await world.history.outbox.get(id)
      if (!delivery) return noDelivery(pathNames(request).id)
      const log = await world.history.outbox.attempts(delivery.id)
      return data({ ...deliveryView(delivery), log: log.map(attemptView) })
    },
  })

  router.on('/deliveries/:id/replay', ofDelivery({ verb: 'create', kind: 'SipProbe', subresource: 'replay' }), {
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
