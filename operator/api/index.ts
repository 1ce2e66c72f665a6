/** The door of the REST API. */
export { createApi } from './api.ts'
export type { ApiOptions } from './api.ts'
export { apiErrors } from './errors.ts'
export type { ApiErrorCode } from './errors.ts'
export type { World } from './world.ts'
