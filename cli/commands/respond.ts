/** `ringcheck respond`: the built-in target, as a command. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Calling } from '../../agent/respond/index.ts'
import { behaviours, parseAccounts, parseCalling, startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import type { Address } from '../../lib/http.ts'
import { formatAddress, parseAddress } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import type { Command, Terminal, Words } from '../command.ts'
import { UsageError } from '../command.ts'

export const respond: Command = {
  name: 'respond',
  usage: '[flags]',
  description: `What is done follows from the user part of the called URI: ${behaviours.map(({ user, does }) => `${user}@ ${does}`).join('; ')}. It is a registrar for the accounts it is given.`,
  flags: {
    listen: { value: 'HOST:PORT', default: '127.0.0.1:5060', help: 'SIP over UDP and TCP; HOST is an IP address' },
    domain: { value: 'NAME', help: 'Realm of the registrar; default: the address it listens on' },
    accounts: { value: 'FILE', help: 'Who may register: username,password, one a line' },
    digest: {
      value: 'MD5|SHA-256|SHA-512-256',
      multiple: true,
      help: 'Algorithms of the challenges; default: SHA-256 and MD5. Old phones need MD5 alone',
    },
    call: { value: 'USER@:EVERY', multiple: true, help: 'Call the account that registered here, for example bob@:8s' },
    record: { value: 'FILE', help: 'Write what was done to which packet, one JSON object a line' },
  },
  examples: [
    ['respond', 'on 127.0.0.1:5060; then: ringcheck call sip:echo@127.0.0.1:5060'],
    ['respond --accounts accounts.csv --call callee@:8s', 'a registrar that calls its account callee every 8 seconds'],
  ],
  positionals: { least: 0, most: 0 },
  async run(words, terminal) {
    expectShortLives()
    const parsed = parseAddress(words.text('listen') ?? '')
    if (parsed.kind === 'NotAnAddress') throw new UsageError(`--listen ${parsed.message}`)
    if (isIP(parsed.address.host) === 0) throw new UsageError('--listen: HOST must be an IP address')
    const domain = words.text('domain')
    const record = words.text('record')
    const digest = words.all('digest').map(algorithmOf)
    const log = createLog({ name: 'respond', level: 'info', pretty: terminal.interactive })
    const options = {
      listen: parsed.address,
      accounts: await accountsOf(words),
      calls: words.all('call').map(callingOf),
      clock: systemClock,
      random: systemRandom,
      log,
      ...(domain !== undefined && { domain }),
      ...(record !== undefined && { record }),
      ...(digest.length > 0 && { algorithms: digest }),
    }
    await using responder = await startResponder(options).catch((cause: unknown) => {
      throw new Error(listenFailure(cause, parsed.address, 'choose another with --listen HOST:PORT'), { cause })
    })
    terminal.err(`responder on ${formatAddress({ host: parsed.address.host, port: responder.port })}, UDP and TCP\n`)
    await stopped(terminal)
    return 0
  },
}

async function accountsOf(words: Words) {
  const file = words.text('accounts')
  if (file === undefined) return []
  const read = parseAccounts(await readFile(file, 'utf8'))
  if (read.kind === 'Invalid') throw new Error(`${file}:${read.line}: ${read.detail}`)
  return read.accounts
}

function algorithmOf(text: string) {
  if (text === 'MD5' || text === 'SHA-256' || text === 'SHA-512-256') return text
  throw new UsageError(`--digest ${text}: allowed are MD5, SHA-256, SHA-512-256`)
}

function callingOf(text: string): Calling {
  const calling = parseCalling(text)
  if (!calling) throw new UsageError(`--call ${text}: must be USER@:EVERY, for example bob@:8s`)
  return calling
}

/** Why the responder does not start, and what to do about it. */
export function listenFailure(cause: unknown, address: Address, remedy: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE') return `${formatAddress(address)} is in use by another process: ${remedy}`
  if (code === 'EADDRNOTAVAIL') return `${formatAddress(address)}: this machine has no such address: ${remedy}`
  return cause instanceof Error ? cause.message : String(cause)
}

/** Resolves at SIGINT or SIGTERM. */
export function stopped({ signal }: Pick<Terminal, 'signal'>): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
