/** From the fields of a SipRegistrar to what a plan says of it: how its first hop is found and reached. Pure. */
import { milliseconds } from '../../crds/index.ts'
import type { SipRegistrarSpec } from '../../crds/index.ts'
import type { RunPlan } from '../../agent/index.ts'
import type { TlsSettings } from '../registrars/certificates.ts'

type Registrar = RunPlan['endpoint']['registrar']

export function registrarPlan(spec: SipRegistrarSpec, tls: TlsSettings): Registrar {
  const { domain, port, path, ipFamily, register, outboundProxy, followRedirects, policy } = spec
  const transport = spec.transport === 'Auto' ? undefined : spec.transport
  return {
    domain,
    // An absent port is left to SRV records, and without one is the default of the transport.
    ...(port !== undefined && { port }),
    ...(transport && { transport }),
    path,
    ...(ipFamily !== 'Any' && { ipFamily }),
    tls,
    register,
    expires: milliseconds(spec.expires),
    ...(outboundProxy !== undefined && { outboundProxy: parseProxy(outboundProxy, transport) }),
    followRedirects,
    ...(policy && { policy: { allowedTargets: policy.allowedTargets, deniedTargets: policy.deniedTargets } }),
  }
}

const TRANSPORTS = { udp: 'UDP', tcp: 'TCP', tls: 'TLS', ws: 'WS', wss: 'WSS' } as const

/** `host[:port][;transport=]`; the schema has checked the form. */
function parseProxy(text: string, fallback: Registrar['transport']): NonNullable<Registrar['outboundProxy']> {
  const found = /^(\[[^\]]+\]|[^:;]+)(?::(\d+))?(?:;transport=(udp|tcp|tls|ws|wss))?$/.exec(text)
  const [, host = text, port, named] = found ?? []
  const transport = isTransport(named) ? TRANSPORTS[named] : fallback
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    ...(port !== undefined && { port: Number(port) }),
    ...(transport && { transport }),
  }
}

function isTransport(name: string | undefined): name is keyof typeof TRANSPORTS {
  return name !== undefined && name in TRANSPORTS
}

/** Whether requests go over TLS, or may be located so (RFC 3261 26.2.2). */
export function maySecure({ transport, outboundProxy }: SipRegistrarSpec): boolean {
  const named = /;transport=(\w+)$/.exec(outboundProxy ?? '')?.[1]
  return ['TLS', 'WSS', 'Auto'].includes(named?.toUpperCase() ?? transport)
}
