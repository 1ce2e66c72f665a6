/** A flow over which nothing goes, for tests of what only looks at its addresses. */
import type { Flow } from './flow.ts'

export const SILENT_FLOW: Flow = {
  ...{ transport: 'UDP', reliable: false, open: true, heardAt: -Infinity },
  ...{ local: '192.0.2.1:5060', sentBy: '192.0.2.1:5060', contact: '192.0.2.1:5060' },
  remote: { host: '192.0.2.2', port: 5060, transport: 'UDP' },
  ...{ send: () => {}, watch: () => {}, unwatch: () => {}, retire: () => {} },
}
