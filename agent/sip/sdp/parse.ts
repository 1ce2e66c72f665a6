/** Session descriptions of peers into the model, within bounds: sdp-transform reads the lines, here is what they mean. It never throws and judges no stream. */
import { parse as parseLines } from 'sdp-transform'
import type { MediaDescription as Section, SessionDescription as Lines } from 'sdp-transform'
import type { Fingerprint, SessionDescription } from './description.ts'
import { readMedia } from './parse-media.ts'

export type ParseReason =
  'Empty' | 'TooLong' | 'LineTooLong' | 'TooManyStreams' | 'TooManyFormats' | 'NoVersion' | 'NoOrigin' | 'BadMedia'

export type ParseOutcome =
  | { kind: 'Description'; description: SessionDescription }
  /** `detail` is one sentence for a human. */
  | { kind: 'Malformed'; reason: ParseReason; detail: string }

/** More than the browsers of a conference send; a body of 64 KB cannot make us look at more. */
const MOST = { characters: 65_535, lineLength: 4_096, streams: 64, formats: 128 }

export function parseDescription(sdp: string): ParseOutcome {
  if (sdp.trim() === '') return malformed('Empty', 'there is no session description')
  if (sdp.length > MOST.characters) return malformed('TooLong', `it is longer than ${MOST.characters} characters`)
  const lines = sdp.split(/\r\n|\r|\n/)
  if (lines.some((line) => line.length > MOST.lineLength)) {
    return malformed('LineTooLong', `a line is longer than ${MOST.lineLength} characters`)
  }
  const streams = lines.filter((line) => line.startsWith('m=')).length
  if (streams > MOST.streams) return malformed('TooManyStreams', `it has more than ${MOST.streams} m= lines`)
  // A number of ports (RFC 8866 5.14) is for layered codings only; the library reads none.
  const read = parseLines(sdp.replaceAll(/^(m=\S+ +\d+)\/\d+ /gm, '$1 '))
  return describe(read, fingerprintsOf(lines))
}

function describe(read: Lines, fingerprints: readonly Fingerprint[][]): ParseOutcome {
  const { version, origin, media, groups = [] } = read
  if (version !== 0) return malformed('NoVersion', 'it has no line v=0')
  if (origin === undefined) return malformed('NoOrigin', 'it has no o= line that can be read')
  if (media.some((section) => !isReadable(section)))
    return malformed('BadMedia', 'it has an m= line that cannot be read')
  if (media.some(({ payloads }) => String(payloads).split(' ').length > MOST.formats)) {
    return malformed('TooManyFormats', `an m= line has more than ${MOST.formats} formats`)
  }
  const ofSession = fingerprints[0] ?? []
  const description: SessionDescription = {
    origin: {
      username: String(origin.username),
      sessionId: String(origin.sessionId),
      version: String(origin.sessionVersion),
      address: String(origin.address),
    },
    bundles: groups.filter(({ type }) => type === 'BUNDLE').map(({ mids }) => words(String(mids))),
    iceLite: read.icelite !== undefined,
    media: media.map((section, index) => {
      const own = fingerprints[index + 1] ?? []
      return readMedia(read, section, own.length > 0 ? own : ofSession)
    }),
  }
  return { kind: 'Description', description }
}

function isReadable({ type, port, protocol, payloads }: Section): boolean {
  const complete = [type, port, protocol, payloads].every((each) => each !== undefined && each !== '')
  return complete && Number(port) <= 65_535
}

/** Those of the session, then those of each stream. The library keeps the last one only. */
function fingerprintsOf(lines: readonly string[]): Fingerprint[][] {
  const found: Fingerprint[][] = [[]]
  for (const line of lines) {
    if (line.startsWith('m=')) found.push([])
    const match = /^a=fingerprint:([\w-]+) +([\da-f:]+)[ \t]*$/i.exec(line)
    if (!match) continue
    const [, algorithm = '', value = ''] = match
    found.at(-1)?.push({ algorithm: algorithm.toLowerCase(), value: value.toUpperCase() })
  }
  return found
}

function words(text: string): string[] {
  return text.split(' ').filter((each) => each !== '')
}

function malformed(reason: ParseReason, detail: string): ParseOutcome {
  return { kind: 'Malformed', reason, detail }
}
