/** A dialog (RFC 3261 12): its identity, route set, remote target and sequence numbers. It sends nothing and knows no session. */
import { follow } from '../locate/follow.ts'
import { hopOf, type Wanted } from '../locate/question.ts'
import type { Flow } from '../transport/flow.ts'
import type { HeaderField } from '../transport/build.ts'
import { Headers } from '../message/headers.ts'
import type { Request, Response } from '../message/message.ts'
import { bracketed, parseNameAddress, parseUri, type Uri } from '../message/uri.ts'

/** What names a dialog in a request (12). */
export interface DialogName {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
}

interface DialogState extends DialogName {
  /** From and To values as they stand in our requests, tags included. */
  local: string
  remote: string
  remoteTarget: string
  routeSet: readonly string[]
  localSequence: number
  remoteSequence: number | undefined
}

/** What an INVITE of ours said that its dialog and its ACK repeat (12.1.2, 13.2.2.4): known, so that it is not read out of its text. */
export interface SentInvite {
  readonly uri: string
  readonly callId: string
  /** The From value, and the tag in it. */
  readonly local: string
  readonly localTag: string
  readonly sequence: number
  readonly branch: string
  readonly credentials: readonly HeaderField[]
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
  /** The remote target taken apart, when it was already. */
  #target: Uri | undefined
  /** What it was worked out to be; both of ACK and BYE ask. */
  #nextHop: Wanted | undefined

  /** @param flow where the request or response came from that made the dialog */
  constructor(state: DialogState, flow: Flow, target?: Uri) {
    this.#state = state
    this.#flow = flow
    this.#target = target
  }

  /** 12.1.2: our INVITE was answered. A peer without Contact is taken to be where the INVITE went. */
  static ofResponse({ callId, localTag, local, sequence, uri }: SentInvite, { headers }: Response, flow: Flow): Dialog {
    const contact = contactOf(headers)
    return new Dialog(
      {
        callId,
        localTag,
        remoteTag: headers.toTag ?? '',
        local,
        remote: headers.get('to') ?? '',
        remoteTarget: contact?.text ?? uri,
        routeSet: headers.list('record-route').reverse(),
        localSequence: sequence,
        remoteSequence: undefined,
      },
      flow,
      contact?.uri,
    )
  }

  /** 12.1.1: we answer an INVITE. A caller without Contact is taken to be where the INVITE came from. */
  static ofRequest({ headers }: Request, localTag: string, flow: Flow): Dialog {
    const { host, port } = flow.remote
    const contact = contactOf(headers)
    return new Dialog(
      {
        callId: headers.callId,
        localTag,
        remoteTag: headers.fromTag ?? '',
        local: `${headers.get('to') ?? ''};tag=${localTag}`,
        remote: headers.get('from') ?? '',
        remoteTarget: contact?.text ?? `sip:${bracketed(host)}:${port}`,
        routeSet: headers.list('record-route'),
        localSequence: 0,
        remoteSequence: headers.cseq?.number,
      },
      flow,
      contact?.uri,
    )
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

  isNamed({ callId, localTag, remoteTag }: DialogName): boolean {
    const ours = this.#state
    return ours.localTag === localTag && ours.remoteTag === remoteTag && ours.callId === callId
  }

  /** 13.2.2.4: the 2xx makes the route set of an early dialog anew; after that it never changes. */
  confirm({ headers }: Response): void {
    this.#state.routeSet = headers.list('record-route').reverse()
    this.#nextHop = undefined
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
    const contact = contactOf(headers)
    if (!contact) return
    this.#state.remoteTarget = contact.text
    this.#target = contact.uri
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
    const uri =
      first === undefined
        ? (this.#target ?? parseUri(this.#state.remoteTarget))
        : parseUri(parseNameAddress(first)?.uri ?? '')
    const hop = uri && hopOf(uri)
    return follow(hop, this.#flow, first !== undefined)
  }
}

/** The first one, when it is a URI that can be read. */
function contactOf(headers: Headers): { text: string; uri: Uri } | undefined {
  const [first] = headers.list('contact')
  const text = first === undefined ? undefined : parseNameAddress(first)?.uri
  const uri = text === undefined ? undefined : parseUri(text)
  return text !== undefined && uri ? { text, uri } : undefined
}

function isLoose(route: string): boolean {
  return parseUri(parseNameAddress(route)?.uri ?? '')?.parameters.has('lr') ?? false
}
