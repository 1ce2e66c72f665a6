/** WAV files for tests, of any form: 16-bit PCM with 8000 samples a second unless they are told otherwise. */

type Form = { tag?: number; channels?: number; rate?: number; bits?: number; extensible?: boolean }

function chunk(name: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.write(name, 'latin1')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)])
}

export function wave(
  data: Buffer,
  { tag = 1, channels = 1, rate = 8000, bits = 16, extensible = false }: Form = {},
): Buffer {
  const format = Buffer.alloc(extensible ? 40 : 16)
  format.writeUInt16LE(extensible ? 0xfffe : tag, 0)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(rate, 4)
  format.writeUInt32LE(Math.min(2 ** 32 - 1, (rate * channels * bits) / 8), 8)
  format.writeUInt16LE((channels * bits) / 8, 12)
  format.writeUInt16LE(bits, 14)
  if (extensible) format.writeUInt16LE(tag, 24)
  const body = [Buffer.from('WAVE'), chunk('fmt ', format), chunk('LIST', Buffer.from('odd')), chunk('data', data)]
  return chunk('RIFF', Buffer.concat(body))
}
