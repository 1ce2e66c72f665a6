/** Draws a trace as text: the ladder of arrows, and the messages under it. It reads messages only as far as their first line. */
import type { TraceMessage } from './trace.ts'

/** What is drawn; a stored message may lack what only the recorder knew. */
export interface LadderMessage extends Omit<TraceMessage, 'monotonic' | 'retransmission'> {
  monotonic?: number | undefined
  retransmission?: boolean | undefined
}

export interface Drawable {
  readonly messages: readonly LadderMessage[]
  readonly truncated: boolean
}

/** Characters between two vertical lines. */
const WIDTH = 44
/** Peers that get a line of their own; what goes to others is drawn at the last one. */
const MOST_PEERS = 4
/** Characters of the time at the left. */
const MARGIN = 12

/**
 * One column for us and one for each peer address, one line a message with the milliseconds since the first one, then every message
 * with its wall time and addresses:
 *
 *       +0.0 ms |------- INVITE sip:echo@127.0.0.1 ------->|
 *       +1.2 ms |<------------- 100 Trying ----------------|
 */
export function renderLadder(trace: Drawable): string {
  const [first] = trace.messages
  if (!first) return 'No message was sent or received.\n'
  const peers = [...new Set(trace.messages.map(peerOf))].slice(0, MOST_PEERS)
  const start = stampOf(first)
  const arrows = trace.messages.map((message) => {
    const time = `+${(stampOf(message) - start).toFixed(1)} ms`.padStart(MARGIN - 1)
    return `${time} ${arrow(message, columnOf(peers, message), peers.length)}`.trimEnd()
  })
  const bodies = trace.messages.map((message, index) => body(message, index + 1))
  const end = trace.truncated ? ['', 'More messages came than are kept; the last ones are missing.'] : []
  return [header(first, peers), ...arrows, ...end, '', ...bodies].join('\n')
}

function header(first: LadderMessage, peers: readonly string[]): string {
  const names = [first.local, ...peers].map((name, index, all) =>
    index < all.length - 1 ? name.padEnd(WIDTH + 1) : name,
  )
  const lines = `|${`${' '.repeat(WIDTH)}|`.repeat(peers.length)}`
  return `${new Date(first.at).toISOString()}\n${' '.repeat(MARGIN)}${names.join('')}\n${' '.repeat(MARGIN)}${lines}`
}

function arrow(message: LadderMessage, column: number, peers: number): string {
  const length = column * (WIDTH + 1) - 1
  const label = labelOf(message, length - 6)
  const left = Math.floor((length - label.length - 3) / 2)
  const right = length - label.length - 3 - left
  const shaft = `${'-'.repeat(left)} ${label} ${'-'.repeat(right)}`
  const drawn = message.direction === 'Out' ? `|${shaft}>|` : `|<${shaft}|`
  return drawn + `${' '.repeat(WIDTH)}|`.repeat(peers - column)
}

function labelOf(message: LadderMessage, room: number): string {
  const again = message.retransmission ? ' (again)' : ''
  const title = titleOf(message.text)
  const left = room - again.length
  return `${title.length <= left ? title : `${title.slice(0, left - 3)}...`}${again}`
}

/** `INVITE sip:echo@example.com`, `200 OK (BYE)`. */
function titleOf(text: string): string {
  const line = text.slice(0, lineEnd(text)).replaceAll(/[^\x20-\x7e]/g, '?')
  if (!line.startsWith('SIP/2.0 ')) return line.replace(/ SIP\/\d\.\d$/, '')
  const method = /^cseq[ \t]*:[ \t]*\d+[ \t]+(\S+)/im.exec(text)?.[1]
  return `${line.slice('SIP/2.0 '.length)}${method ? ` (${method})` : ''}`
}

function lineEnd(text: string): number {
  const end = text.search(/[\r\n]/)
  return end < 0 ? text.length : end
}

function body(message: LadderMessage, number: number): string {
  const { at, direction, transport, local, remote, text } = message
  const way = direction === 'Out' ? `${local} -> ${remote}` : `${remote} -> ${local}`
  const again = message.retransmission ? ', retransmission' : ''
  const lines = text.replaceAll('\r\n', '\n').trimEnd()
  return `--- ${number}. ${new Date(at).toISOString()} ${transport} ${way}${again}\n${lines}\n`
}

function peerOf({ remote, transport }: LadderMessage): string {
  return `${remote} (${transport})`
}

function columnOf(peers: readonly string[], message: LadderMessage): number {
  const index = peers.indexOf(peerOf(message))
  return index < 0 ? peers.length : index + 1
}

/** The wall clock counts whole milliseconds and may jump: distances are those of the monotonic one, where the trace has it. */
export function stampOf({ monotonic, at }: LadderMessage): number {
  return monotonic ?? at
}
