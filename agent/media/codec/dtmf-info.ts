/** DTMF in bodies of INFO requests: application/dtmf-relay and application/dtmf, both ways. Nothing standardizes them; this is what gateways write and read. */
import { DIGITS } from './telephone-event.ts'

export interface InfoDigit {
  digit: string
  /** Milliseconds; absent: not said. */
  duration?: number
}

/** Body of application/dtmf-relay. */
export function writeDtmfRelay({ digit, duration }: Required<InfoDigit>): string {
  return `Signal=${digit}\r\nDuration=${duration}\r\n`
}

/** Body of application/dtmf: the digit alone. */
export function writeDtmf(digit: string): string {
  return digit
}

/** Undefined: it says no digit. Names in any case, spaces around the equals sign, lines that end in LF alone are taken too. */
export function readDtmfRelay(body: string): InfoDigit | undefined {
  const digit = readDigit(/^[ \t]*Signal[ \t]*=[ \t]*(\S+)[ \t]*\r?$/im.exec(body)?.[1])
  if (digit === undefined) return undefined
  const duration = /^[ \t]*Duration[ \t]*=[ \t]*(\d{1,5})[ \t]*\r?$/im.exec(body)?.[1]
  return { digit, ...(duration !== undefined && { duration: Number(duration) }) }
}

/** Undefined: it says no digit. Some write the body of dtmf-relay under this name. */
export function readDtmf(body: string): InfoDigit | undefined {
  const digit = readDigit(body.trim())
  return digit === undefined ? readDtmfRelay(body) : { digit }
}

/** The digit itself, or its event number: 10 is *, 11 is #, 12 to 15 are A to D. */
function readDigit(text = ''): string | undefined {
  if (text.length === 1 && DIGITS.includes(text.toUpperCase())) return text.toUpperCase()
  return /^1[0-5]$/.test(text) ? DIGITS.charAt(Number(text)) : undefined
}
