/** The door of the outgoing webhooks. */
export { statusChangedBody } from './body.ts'
export type { StatusChange } from './body.ts'
export { Deliverer, deliveryResults } from './deliverer.ts'
export type { DelivererOptions, DeliveryResult, DeliverySnapshot, Target } from './deliverer.ts'
export { eventId } from './event.ts'
export { parseSecrets } from './sign.ts'
export { checkTarget, masked } from './target.ts'
