/** Routes of what a probe did: executions, their samples and SIP traces, transitions, and the start of a round by hand. */
import { z } from 'zod'
import type { FastifyRequest } from 'fastify'
import type { ExecutionRecord, Listed } from '../history/index.ts'
import type { Answer, Paging } from './answer.ts'
import { data, paging, readQuery } from './answer.ts'
import { executionsCsv } from './csv.ts'
import { failure } from './errors.ts'
import type { Failure } from './errors.ts'
import { named, pathNames } from './router.ts'
import type { Needs, Router } from './router.ts'
import { executionDetail, executionView, transitionView } from './views.ts'
import type { World } from './world.ts'

const CSV = 'text/csv; charset=utf-8; header=present'
/** As registered with IANA. */
const PCAP = 'application/vnd.tcpdump.pcap'
const TEXT = 'text/plain; charset=utf-8'
const PROBE = '/projects/:namespace/probes/:name'
/** What a probe did is a part of it. */
const READ = named({ verb: 'get', kind: 'SipProbe' })

export function executionRoutes(router: Router, world: World): void {
  const { cluster, history } = world
  const readById: Needs = async (request) => {
    const found = await executionById(world, request)
    if (found.kind === 'Failure') return found
    const { namespace, name } = found.execution.probe
    return [{ verb: 'get', kind: 'SipProbe', namespace, name }]
  }

  router.on(`${PROBE}/executions`, READ, {
    async GET(request) {
      const query = readQuery(request, { ...paging, format: z.enum(['json', 'csv']).default('json') })
      if (query.kind === 'Failure') return query
      const { format, ...page } = query.value
      const key = pathNames(request)
      const found = await history.executions(key, page)
      const missing = missingProbe(world, key, found)
      if (missing) return missing
      return format === 'csv' ? csv(found, page) : list(found, page, executionView)
    },
  })

  router.on(`${PROBE}/executions/:id`, READ, {
    async GET(request) {
      const found = await execution(world, request)
      return found.kind === 'Failure' ? found : data(executionDetail(found.execution))
    },
  })

  router.on(`${PROBE}/executions/:id/trace.txt`, READ, {
    async GET(request) {
      const found = await execution(world, request)
      return found.kind === 'Failure' ? found : ladder(world, found.execution)
    },
  })

  router.on(`${PROBE}/executions/:id/trace.pcap`, READ, {
    async GET(request) {
      const found = await execution(world, request)
      return found.kind === 'Failure' ? found : pcap(world, found.execution)
    },
  })

  // By id alone, for those who have nothing else.
  router.on('/executions/:id', readById, {
    async GET(request) {
      const found = await executionById(world, request)
      if (found.kind === 'Failure') return found
      const { probe, ...rest } = found.execution
      return data({ ...executionDetail(rest), probe: { namespace: probe.namespace, name: probe.name } })
    },
  })

  router.on('/executions/:id/trace.txt', readById, {
    async GET(request) {
      const found = await executionById(world, request)
      return found.kind === 'Failure' ? found : ladder(world, found.execution)
    },
  })

  router.on('/executions/:id/trace.pcap', readById, {
    async GET(request) {
      const found = await executionById(world, request)
      return found.kind === 'Failure' ? found : pcap(world, found.execution)
    },
  })

  router.on(`${PROBE}/transitions`, READ, {
    async GET(request) {
      const query = readQuery(request, paging)
      if (query.kind === 'Failure') return query
      const key = pathNames(request)
      const found = await history.transitions(key, query.value)
      return missingProbe(world, key, found) ?? list(found, query.value, transitionView)
    },
  })

  router.on(`${PROBE}/run`, named({ verb: 'create', kind: 'SipProbe', subresource: 'run' }), {
    async POST(request) {
      const { namespace, name } = pathNames(request)
      if (!cluster.get('SipProbe', { namespace, name })) return noProbe({ namespace, name })
      const started = await world.runNow({ namespace, name })
      if (started) return { kind: 'Data', status: 202, data: { executionId: started.executionId } }
      const status = cluster.get('SipProbe', { namespace, name })?.status
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')
      const { reason = null, message = null } = ready?.status === 'False' ? ready : (status ?? {})
      return failure('CannotRun', `The probe ${name} cannot run now.`, { reason, message })
    },
  })
}

const noProbe = ({ namespace, name }: { namespace: string; name: string }): Failure =>
  failure('ResourceNotFound', `There is no SipProbe ${name} in ${namespace}.`)

/** A probe that was deleted keeps its history; one that never was has none. */
function missingProbe(
  { cluster }: World,
  key: { namespace: string; name: string },
  found: Listed<unknown>,
): Failure | undefined {
  return found.total === 0 && !cluster.get('SipProbe', key) ? noProbe(key) : undefined
}

async function execution(
  { history }: World,
  request: FastifyRequest,
): Promise<{ kind: 'Found'; execution: ExecutionRecord } | Failure> {
  const { namespace, name, id } = pathNames(request)
  const found = await history.execution({ namespace, name }, id)
  if (found) return { kind: 'Found', execution: found }
  return failure('ExecutionNotFound', `The probe ${name} in ${namespace} has no execution ${id}.`)
}

async function executionById({ history }: World, request: FastifyRequest) {
  const { id } = pathNames(request)
  const found = await history.executionById(id)
  return found
    ? ({ kind: 'Found', execution: found } as const)
    : failure('ExecutionNotFound', `There is no execution ${id}.`)
}

function ladder(world: World, { id, trace }: ExecutionRecord): Answer {
  return trace ? { kind: 'Text', type: TEXT, text: world.renderLadder(trace) } : noTrace(id)
}

function pcap(world: World, { id, trace }: ExecutionRecord): Answer {
  return trace ? { kind: 'File', type: PCAP, name: `${id}.pcap`, content: world.renderPcap(trace) } : noTrace(id)
}

const noTrace = (id: string): Failure => failure('TraceNotFound', `The execution ${id} has no SIP trace.`)

function list<Item>({ items, total }: Listed<Item>, page: Paging, view: (item: Item) => unknown): Answer {
  return { kind: 'List', items: items.map(view), total, ...page }
}

function csv({ items, total }: Listed<ExecutionRecord>, { page, perPage }: Paging): Answer {
  const headers = { 'x-page': String(page), 'x-per-page': String(perPage), 'x-total-count': String(total) }
  return { kind: 'Text', type: CSV, text: executionsCsv(items), headers }
}
