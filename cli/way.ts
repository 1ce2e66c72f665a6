/** Where `ringcheck call` sends its requests, and how: from its URI and its flags. It sends none. */
import { readFile } from 'node:fs/promises'
import type { RunPlan } from '../agent/index.ts'
import { parseUri } from '../agent/sip/index.ts'
import type { Flag, Words } from './command.ts'
import { UsageError } from './command.ts'

const transports = ['UDP', 'TCP', 'TLS', 'WS', 'WSS'] as const
type Transport = (typeof transports)[number]

type Uri = NonNullable<ReturnType<typeof parseUri>>
type Registrar = RunPlan['endpoint']['registrar']
export type Way = Pick<Registrar, 'domain' | 'port' | 'transport' | 'tls'>

export const wayFlags: Readonly<Record<string, Flag>> = {
  registrar: { value: 'HOST[:PORT]', help: 'Where requests are sent; default: the host of the URI' },
  transport: {
    value: transports.join('|'),
    help: 'Transport; default: the one of the URI (;transport=tls, sips:), else as NAPTR and SRV records say, else UDP',
  },
  ca: { value: 'FILE', help: 'Authorities to trust over TLS and WSS, PEM; default: the public ones' },
}

/** @throws UsageError */
export async function wayOf(target: string, words: Words): Promise<Way> {
  const uri = parseUri(target)
  if (!uri || !['sip', 'sips'].includes(uri.scheme) || uri.host === '')
    throw new UsageError(`${target}: must be a SIP URI, such as sip:echo@127.0.0.1:5060`)
  const transport = transportOf(uri, words)
  const registrar = words.text('registrar')
  const ca = words.text('ca')
  return {
    ...(registrar === undefined ? hopOf(uri) : hostAndPort(registrar)),
    ...(transport && { transport }),
    ...(ca !== undefined && { tls: { ca: await readFile(ca, 'utf8'), verify: 'Full' } }),
  }
}

/** Undefined: it is located. */
function transportOf({ scheme, parameters }: Uri, words: Words): Transport | undefined {
  const stated = words.text('transport') ?? parameters.get('transport')?.toUpperCase()
  const transport = stated === undefined ? undefined : oneOfTransports(stated)
  if (scheme === 'sip') return transport
  if (transport === 'UDP') throw new UsageError('sips is not for UDP')
  return secured(transport)
}

/** RFC 3261 26.2.2: a request to `sips` goes over TLS, `transport=tcp` or not. */
function secured(transport: Transport | undefined): Transport {
  return transport === 'WS' || transport === 'WSS' ? 'WSS' : 'TLS'
}

function hopOf({ host, port }: { host: string; port?: number | undefined }): Pick<Way, 'domain' | 'port'> {
  return { domain: host, ...(port !== undefined && { port }) }
}

function oneOfTransports(text: string): Transport {
  const found = transports.find((each) => each === text)
  if (!found) throw new UsageError(`--transport ${text}: allowed are ${transports.join(', ')}`)
  return found
}

function hostAndPort(text: string): Pick<Way, 'domain' | 'port'> {
  const found = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text)
  const port = found?.[2] === undefined ? undefined : Number(found[2])
  if (!found?.[1] || port === 0 || (port ?? 0) > 65_535) throw new UsageError(`${text}: must be HOST or HOST:PORT`)
  return hopOf({ host: found[1].replace(/^\[(.*)\]$/, '$1'), port })
}
