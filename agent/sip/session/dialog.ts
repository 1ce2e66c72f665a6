/** A dialog (RFC 3261 12): its identity, route set, remote target and sequence numbers. It sends nothing and knows no session. */
import { follow } from '../locate/follow.ts'
import { hopOf, type Wanted } from '../locate/question.ts'
import type { Flow } from '../transport/flow.ts'
import { Headers } from '../message/headers.ts'
import type { Request, Response } from '../message/message.ts'
import { bracketed, parseNameAddress, parseUri } from '../message/uri.ts'

interface DialogState {
  callId: string
  localTag: string
  remoteTag: string
  /** From and To values as they stand in our requests, tags included. */
  local: string
  remote: string
  remoteTarget: string
  routeSet: readonly string[]
  localSequence: number
  remoteSequence: number | undefined
}

/** A request inside the dialog, without its Via. */
export interface Inside {
  method: string
  uri: string
  headers: Headers
  sequence: number
}

export class Dialog {
  readonly #state: DialogState
  readonly #flow: Flow
  /** What it was worked out to be; both of ACK and BYE ask. */
  #nextHop: Wanted | undefined
  #key: string | undefined

  /** @param flow where the request or response came from that made the dialog */
  constructor(state: DialogState, flow: Flow) {
    this.#state = state
    this.#flow = flow
  }

  /** 12.1.2: our INVITE was answered. A peer without Contact is taken to be where the INVITE went. */
  static ofResponse(request: Pick<Request, 'headers' | 'uri'>, response: Response, flow: Flow): Dialog {
    const { headers } = response
    return new Dialog(
      {
        callId: request.headers.callId,
        localTag: request.headers.fromTag ?? '',
        remoteTag: headers.toTag ?? '',
        local: request.headers.get('from') ?? '',
        remote: headers.get('to') ?? '',
        remoteTarget: contactOf(headers) ?? request.uri,
        routeSet: headers.list('record-route').reverse(),
        localSequence: request.headers.cseq?.number ?? 0,
        remoteSequence: undefined,
      },
      flow,
    )
  }

  /** 12.1.1: we answer an INVITE. A caller without Contact is taken to be where the INVITE came from. */
  static ofRequest({ headers }: Request, localTag: string, flow: Flow): Dialog {
    const { host, port } = flow.remote
    return new Dialog(
      {
        callId: headers.callId,
        localTag,
        remoteTag: headers.fromTag ?? '',
        local: `${headers.get('to') ?? ''};tag=${localTag}`,
        remote: headers.get('from') ?? '',
        remoteTarget: contactOf(headers) ?? `sip:${bracketed(host)}:${port}`,
        routeSet: headers.list('record-route'),
        localSequence: 0,
        remoteSequence: headers.cseq?.number,
      },
      flow,
    )
  }

  get key(): string {
    return (this.#key ??= dialogKey(this.#state))
  }

  get callId(): string {
    return this.#state.callId
  }

  get localTag(): string {
    return this.#state.localTag
  }

  get remoteTag(): string {
    return this.#state.remoteTag
  }

  /** 13.2.2.4: the 2xx makes the route set of an early dialog anew; after that it never changes. */
  confirm({ headers }: Response): void {
    this.#state.routeSet = headers.list('record-route').reverse()
    this.refreshTarget(headers)
  }

  /** 12.2.2: a request is in order when its CSeq is higher than any before; ACK has that of its INVITE. */
  inOrder({ headers }: Request): boolean {
    const number = headers.cseq?.number ?? 0
    if (this.#state.remoteSequence !== undefined && number <= this.#state.remoteSequence) return false
    this.#state.remoteSequence = number
    return true
  }

  /** 12.2: the Contact of a re-INVITE, or of its answer, is the new remote target. */
  refreshTarget(headers: Headers): void {
    this.#state.remoteTarget = contactOf(headers) ?? this.#state.remoteTarget
    this.#nextHop = undefined
  }

  /** 12.2.1.1: the remote target, but for a first route of the old, strict kind. */
  get requestUri(): string {
    const { routeSet, remoteTarget } = this.#state
    const [first] = routeSet
    return first === undefined || isLoose(first) ? remoteTarget : (parseNameAddress(first)?.uri ?? remoteTarget)
  }

  /** 12.2.1.1. Without `sequence` it gets the next one. */
  request(method: string, sequence = ++this.#state.localSequence): Inside {
    const { local, remote, callId, remoteTarget, routeSet } = this.#state
    const [first] = routeSet
    const loose = first === undefined || isLoose(first)
    const headers = new Headers()
      .add('Max-Forwards', '70')
      .addAll('Route', loose ? routeSet : [...routeSet.slice(1), `<${remoteTarget}>`])
      .add('From', local)
      .add('To', remote)
      .add('Call-ID', callId)
      .add('CSeq', `${sequence} ${method}`)
    return { method, uri: this.requestUri, headers, sequence }
  }

  /**
   * Where requests inside the dialog go first: the first route, else the remote target. What cannot be read, and the name that a browser
   * gives itself (RFC 7118 5.2), stands for where it all began.
   */
  get nextHop(): Wanted {
    return (this.#nextHop ??= this.#locate())
  }

  #locate(): Wanted {
    const [first] = this.#state.routeSet
    const uri = parseUri(first === undefined ? this.#state.remoteTarget : (parseNameAddress(first)?.uri ?? ''))
    const hop = uri && hopOf(uri)
    return follow(hop, this.#flow, first !== undefined)
  }
}

export function dialogKey({
  callId,
  localTag,
  remoteTag,
}: Pick<DialogState, 'callId' | 'localTag' | 'remoteTag'>): string {
  return `${callId} ${localTag} ${remoteTag}`
}

function contactOf(headers: Headers): string | undefined {
  const [first] = headers.list('contact')
  const uri = first === undefined ? undefined : parseNameAddress(first)?.uri
  return uri !== undefined && parseUri(uri) ? uri : undefined
}

function isLoose(route: string): boolean {
  return parseUri(parseNameAddress(route)?.uri ?? '')?.parameters.has('lr') ?? false
}
