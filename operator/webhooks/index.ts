/** The door of the outgoing webhooks. */
export { createAddressCheck, LOOPBACK, PRIVATE } from './addresses.ts'
export type { AddressCheck } from './addresses.ts'
export { statusChangedBody } from './body.ts'
export { Deliverer, deliveryResults } from './deliverer.ts'
export type { QueuedOutbox } from './deliverer.ts'
export { eventId } from './event.ts'
export type { Target } from './prepare.ts'
export { masked } from './target.ts'
