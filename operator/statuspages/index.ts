/** The door of the kind StatusPage. */
export { startStatusPages } from './reconcile.ts'
export type { StatusPages, StatusPagesOptions } from './reconcile.ts'
