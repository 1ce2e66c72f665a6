/** The flag that writes SIP messages to a pcap file, shared by the commands that have a trace. */
import { writeFile } from 'node:fs/promises'
import type { Words } from './command.ts'

export const pcapFlag = { value: 'FILE', help: 'Also writes the SIP messages to this file, for Wireshark' } as const

/** Writes the file where one is asked for. @throws a sentence for people when it cannot be written */
export async function writePcap(words: Words, content: () => Buffer | Promise<Buffer>): Promise<void> {
  const file = words.text('pcap')
  if (file === undefined) return
  const bytes = await content()
  await writeFile(file, bytes).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`--pcap ${file} cannot be written: ${why}`, { cause })
  })
}
