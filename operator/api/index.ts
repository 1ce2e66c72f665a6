/** The door of the REST API. */
export { createApi } from './api.ts'
export type { ApiOptions } from './api.ts'
export type { World } from './world.ts'
export { keyAuthenticator, readKeys, tokenAuthenticator } from './keys.ts'
