/** The door of the outgoing webhooks. */
export { statusChangedBody } from './body.ts'
export { Deliverer, deliveryResults } from './deliverer.ts'
export type { Target } from './deliverer.ts'
export { eventId } from './event.ts'
export { masked } from './target.ts'
