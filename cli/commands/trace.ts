/** `ringcheck trace`: the SIP messages of one execution as a ladder, and as a pcap file. */
import { z } from 'zod'
import { connect, urlFlag } from '../api.ts'
import type { Command } from '../command.ts'
import { pcapFlag, writePcap } from '../pcap.ts'

export const trace: Command = {
  name: 'trace',
  usage: 'EXECUTION [flags]',
  description:
    'EXECUTION is an id as in status.lastExecution.id, or the name of a probe: its last execution. A trace is kept where the probe says traces: All, or the execution was not Healthy.',
  flags: {
    namespace: { value: 'NAME', default: 'default', help: 'Namespace of the probe' },
    pcap: pcapFlag,
    url: urlFlag,
  },
  examples: [
    ['trace unhealthy', 'the last execution of the probe named unhealthy'],
    ['trace 3b1f0c8a9d2e4f6a7b8c', 'one execution'],
    ['trace unhealthy --pcap call.pcap', 'and a file for Wireshark'],
  ],
  positionals: { least: 1, most: 1 },
  async run(words, terminal) {
    const [word = ''] = words.positionals
    const api = connect(words, terminal)
    const probes = `/projects/${encodeURIComponent(words.text('namespace') ?? 'default')}/probes`
    const named = await api.find(`${probes}/${encodeURIComponent(word)}`, probe)
    const id = named ? named.status?.lastExecution?.id : word
    if (id === undefined) throw new Error(`the probe ${word} has not executed yet`)
    const execution = `${named ? `${probes}/${encodeURIComponent(word)}` : ''}/executions/${encodeURIComponent(id)}`
    terminal.out(await api.text(`${execution}/trace.txt`))
    await writePcap(words, () => api.bytes(`${execution}/trace.pcap`))
    return 0
  },
}

const probe = z.looseObject({
  status: z.looseObject({ lastExecution: z.looseObject({ id: z.string() }).optional() }).optional(),
})
