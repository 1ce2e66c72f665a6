/** The door of the public status pages: what is rendered, and who serves it. */
export { renderPage } from './render.ts'
export type { RenderedPage } from './render.ts'
export { createPagesServer } from './server.ts'
