/** Hold and resume (RFC 3264 8.4): our own session description again with another direction. It reads no peer's description and sends nothing. */

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)[ \t]*$/

/** The direction of a stream on hold that had direction `was`: we hear nothing of the peer any more (8.4). */
export function held(was: Direction): Direction {
  return was === 'sendrecv' || was === 'sendonly' ? 'sendonly' : 'inactive'
}

/**
 * `sdp` with another direction of every stream that is not refused, all else as it was, and the version of its o= line raised by one
 * (RFC 3264 8). Resuming takes the description from before the hold: `previous` is then the one that was sent last, whose version counts.
 *
 *     o=- 4711 1 IN IP4 192.0.2.1             o=- 4711 2 IN IP4 192.0.2.1
 *     m=audio 40000 RTP/AVP 8 101      ->     m=audio 40000 RTP/AVP 8 101
 *     a=sendrecv                              a=sendonly
 */
export function withDirection(
  sdp: string,
  direction: Direction | ((was: Direction) => Direction),
  previous: string = sdp,
): string {
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '')
  const first = lines.findIndex((line) => line.startsWith('m='))
  const ofSession = stated(lines.slice(0, first)) ?? 'sendrecv'
  const next = typeof direction === 'function' ? direction : () => direction
  const written = sections(lines).flatMap((section, index) => {
    const rest = section.filter((line) => !DIRECTION.test(line))
    if (index === 0) return rest.map((line) => (line.startsWith('o=') ? raised(line, previous) : line))
    // A refused stream has no direction (RFC 3264 6).
    return isRefused(section[0] ?? '') ? rest : [...rest, `a=${next(stated(section) ?? ofSession)}`]
  })
  return `${written.join('\r\n')}\r\n`
}

/** The lines of the session, then those of each m= line. */
function sections(lines: readonly string[]): string[][] {
  const found: string[][] = [[]]
  for (const line of lines) {
    if (line.startsWith('m=')) found.push([])
    found.at(-1)?.push(line)
  }
  return found
}

function stated(lines: readonly string[]): Direction | undefined {
  const names = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const
  const line = lines.findLast((each) => DIRECTION.test(each))
  return names.find((name) => line?.startsWith(`a=${name}`))
}

function isRefused(line: string): boolean {
  return /^m=\S+ 0[ /]/.test(line)
}

/** The version is a number of up to 64 bits and more: what peers write is no number of JavaScript's. */
function raised(origin: string, previous: string): string {
  const last = /^o=\S+ \S+ (\d+) /m.exec(previous)?.[1] ?? '0'
  return origin.replace(/^(o=\S+ \S+ )\d+/, `$1${BigInt(last) + 1n}`)
}
