/** From what SIP says about a request without success, and ICE and DTLS about a path, to outcome and failure class, as tables. Pure; packets have their classes elsewhere. */
import { failureClasses } from '../../crds/index.ts'
import type { FailureClass, Outcome } from '../../crds/index.ts'
import type { Failure } from '../sip/index.ts'
import type { PathFailure } from '../stream/index.ts'

/** The request that had no success. A REGISTER comes before the call and gives other outcomes. */
export type RequestMethod = 'REGISTER' | 'INVITE' | 'OPTIONS'

/** Why an endpoint did not succeed. */
export interface Verdict {
  outcome: Outcome
  failureClass: FailureClass
  /** One sentence for a human, naming who said what. */
  message: string
  /** The final response that decided. */
  sip?: { code: number; reason: string }
}

export type Classified = Verdict | 'Stopped'

/** `target`: where the request went, for the message. `Aborted` is not a failure: we stopped it. */
export function classify(failure: Failure, method: RequestMethod, target: string): Classified {
  const request = `The ${method} to ${target}`
  switch (failure.kind) {
    case 'Rejected':
    case 'AuthenticationFailed':
      return answered(failure, method, request)
    case 'NoResponse':
      return verdict(
        method === 'REGISTER' ? 'RegistrationTimeout' : 'ResponseTimeout',
        method,
        `${request} got no response.`,
      )
    case 'NoFinalResponse':
      return verdict(
        method === 'REGISTER' ? 'RegistrationTimeout' : 'NoAnswer',
        method,
        `${request} got ${failure.code}, but no final response in time.`,
      )
    case 'DnsFailed':
    case 'ConnectFailed':
    case 'TlsFailed': {
      const [failureClass, missing] = unreached[failure.kind]
      return verdict(failureClass, method, `${request} found no ${missing}: ${failure.detail}.`)
    }
    case 'Aborted':
      return 'Stopped'
  }
}

function answered(
  { kind, code, reason }: Extract<Failure, { code: number; reason: string }>,
  method: RequestMethod,
  request: string,
): Classified {
  const sip = { code, reason: reason.slice(0, LONGEST_REASON) }
  const said = `${request} was answered with ${sip.code} ${sip.reason}`.trimEnd()
  const refused = kind === 'AuthenticationFailed'
  const failureClass = refused ? 'AuthenticationFailed' : classOfResponse(code, method)
  return { ...verdict(failureClass, method, `${said}${refused ? ' to our credentials' : ''}.`), sip }
}

/** What was missing on the way to the server. */
const unreached = {
  DnsFailed: ['Dns', 'address'],
  ConnectFailed: ['Connect', 'connection'],
  TlsFailed: ['Tls', 'trusted connection'],
} as const satisfies Record<string, readonly [FailureClass, string]>

/** A reason phrase is the peer's text; this much of it is enough for a sentence. */
const LONGEST_REASON = 100

/** OPTIONS asks who is there, not for a call: a 486 there is no busy line. */
function classOfResponse(code: number, method: RequestMethod): FailureClass {
  if (code === 401 || code === 407) return 'AuthenticationFailed'
  if (method === 'REGISTER') return 'RegistrationRejected'
  const named = method === 'INVITE' ? responses.get(code) : undefined
  if (named) return named
  if (code < 400) return 'Rejected3xx'
  if (code < 500) return 'Rejected4xx'
  return code < 600 ? 'Rejected5xx' : 'Rejected6xx'
}

/** Final responses to an INVITE that say more than their first digit (RFC 3261 section 21). */
const responses: ReadonlyMap<number, FailureClass> = new Map([
  [408, 'NoAnswer'],
  [486, 'Busy'],
  [600, 'Busy'],
  [488, 'NegotiationFailed'],
  [606, 'NegotiationFailed'],
])

/** Where nothing arrives there is no media; where the two sides do not want the same, nothing was agreed on. */
const paths: Readonly<Record<PathFailure['reason'], FailureClass>> = {
  NoCandidatePair: 'NoMedia',
  ChecksFailed: 'NoMedia',
  Timeout: 'NoMedia',
  ConsentLost: 'MediaTimeout',
  FingerprintMismatch: 'NegotiationFailed',
  NotProven: 'NegotiationFailed',
  NoCommonSuite: 'NegotiationFailed',
  Alert: 'NegotiationFailed',
  Protocol: 'NegotiationFailed',
}

/** Of an answered call whose media has no path. */
export function classifyPath({ stage, reason, detail }: PathFailure): [failureClass: FailureClass, message: string] {
  const what = { ICE: 'ICE found no way to the other side', DTLS: 'the DTLS handshake failed' }[stage]
  const said = reason === 'ConsentLost' ? 'ICE lost the way to the other side' : what
  return [paths[reason], `The call was answered, but ${said} (${reason}: ${detail}).`]
}

/** A class has one outcome, or two, the first for what failed before the call. */
export function verdict(failureClass: FailureClass, method: RequestMethod, message: string): Verdict {
  const { outcomes } = failureClasses[failureClass]
  const [before, during = before] = outcomes
  return { outcome: method === 'REGISTER' ? before : during, failureClass, message }
}
