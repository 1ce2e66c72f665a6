/** By which servers `ringcheck call` looks for ways with ICE, from its flags; it asks none of them. */
import type { RunPlan } from '../agent/index.ts'
import { serverOf, STUN_FORM, TURN_FORM, turnServerOf } from '../operator/probes/ice-plan.ts'
import { type Flag, oneOf, type Terminal, UsageError, type Words } from './command.ts'

type Ice = NonNullable<RunPlan['endpoint']['media']['ice']>

const modes = ['None', 'Lite', 'Full'] as const

export const iceFlags: Readonly<Record<string, Flag>> = {
  ice: { value: modes.join('|'), default: 'None', help: 'Whether and how ICE is offered' },
  stun: { value: 'HOST:PORT', multiple: true, help: 'STUN server, with --ice Full' },
  turn: { value: 'URI', multiple: true, help: 'TURN server, with --ice Full, such as turn:turn.example.com:3478' },
  'turn-username': { value: 'NAME', help: 'Account at TURN servers; its password comes from RINGCHECK_TURN_PASSWORD' },
}

/** Undefined: no ICE. @throws UsageError */
export function iceOf(words: Words, { environment }: Terminal): Ice | undefined {
  const mode = oneOf(words, 'ice', modes)
  for (const flag of ['stun', 'turn'])
    if (words.has(flag) && mode !== 'Full') throw new UsageError(`--${flag}: goes with --ice Full`)
  if (mode === 'None') return undefined
  const stun = words.all('stun').map((text) => readable('stun', text, serverOf(text), STUN_FORM))
  const servers = words.all('turn').map((uri) => readable('turn', uri, turnServerOf(uri), TURN_FORM))
  if (servers.length === 0) return { mode, stun, turn: [] }
  const [username, password] = [words.text('turn-username'), environment['RINGCHECK_TURN_PASSWORD']]
  if (username === undefined || password === undefined)
    throw new UsageError('--turn: needs --turn-username, and RINGCHECK_TURN_PASSWORD in the environment')
  return { mode, stun, turn: servers.map((server) => ({ ...server, username, password })) }
}

function readable<Server>(flag: string, text: string, server: Server | undefined, form: string): Server {
  if (server === undefined) throw new UsageError(`--${flag} ${text}: must be ${form} with a port from 1 to 65535`)
  return server
}
