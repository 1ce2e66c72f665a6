/** Tagged templates that make escaped HTML on the server; no browser, no script. */
import type { VNode } from 'preact'

/** Children may be text, elements, lists of these, or nothing (`false`, `undefined`). */
export { html } from 'htm/preact'
export type Markup = VNode
