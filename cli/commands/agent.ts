/** `ringcheck agent`: the process that makes the calls: a child of `ringcheck serve`, or by itself with a folder of certificates. */
import { z } from 'zod'
import { everywhere } from '../../agent/everywhere.ts'
import { runAgent } from '../../agent/process.ts'
import { runStandalone } from '../../agent/standalone.ts'
import { createLog, logLevels } from '../../lib/log.ts'
import { address } from '../../operator/config.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../command.ts'
import { USER_AGENT } from '../version.ts'
import { enroll } from './enroll.ts'

const ports = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'must be FIRST-LAST, such as 20000-20999')
  .transform((text) => {
    const [first = 0, last = 0] = text.split('-').map(Number)
    return { first, last }
  })
  .refine(({ first, last }) => first >= 1 && first < last && last <= 65_535, 'must be a range of ports from 1 to 65535')

const ip = z.union([z.ipv4(), z.ipv6()], 'must be an IP address')

const Settings = z.strictObject({
  tls: z.string().min(1),
  listen: address.optional(),
  admin: address.optional(),
  'rtp-ports': ports.optional(),
  'sip-ports': ports.optional(),
  'source-address': ip.optional(),
  'external-address': ip.optional(),
  log: z.enum(logLevels),
})

const API_PORT = 8443
const ADMIN_PORT = 9464

export const agent: Command = {
  name: 'agent',
  usage: '[enroll NAME...] [flags]',
  description:
    'Without --tls it gets its keys from the process that forked it, and ends with it. With --tls only the operator comes in whose certificate the authorities in ca.crt have issued. SIGTERM: no new calls, those that run may end, at most 650 s; a second one hangs up. `enroll` asks a cluster for the certificate of an agent outside of it, which is reached under each NAME (DNS name or IP address); it is valid for 90 days.',
  flags: {
    tls: { value: 'FOLDER', help: 'tls.crt, tls.key and ca.crt; a change is followed' },
    listen: { value: 'HOST:PORT', help: 'Where plans are taken (default all addresses, 8443)' },
    admin: { value: 'HOST:PORT', help: 'Health and metrics (default all addresses, 9464)' },
    'rtp-ports': { value: 'FIRST-LAST', help: 'UDP ports for RTP and RTCP (default: any)' },
    'sip-ports': { value: 'FIRST-LAST', help: 'Ports for SIP (default: any)' },
    'source-address': { value: 'IP', help: 'For SIP and media (default: all addresses)' },
    'external-address': { value: 'IP', help: 'Where peers reach it instead, at the same ports: for Contact and SDP' },
    out: { value: 'FOLDER', default: '.', help: 'enroll: where the certificate is written' },
    namespace: { value: 'NAME', default: 'ringcheck', help: 'enroll: that of the operator' },
    kubeconfig: { value: 'FILE', help: 'enroll: default as kubectl' },
    log: { value: 'LEVEL', default: 'info', help: logLevels.join(', ') },
  },
  examples: [
    ['agent --tls /etc/ringcheck/tls', 'in a pod, or on a machine in another network'],
    ['agent', 'only as a child of ringcheck serve'],
    [
      'agent enroll branch.example.com --out tls',
      'then: agent --tls tls, and its URL among the locations of the operator',
    ],
  ],
  positionals: { least: 0, most: 20 },
  async run(words, terminal) {
    const [verb, ...names] = words.positionals
    if (verb === 'enroll') return enroll(names, words, terminal)
    if (verb !== undefined) throw new UsageError(`${verb} is not understood; there is: enroll`)
    if (words.text('tls') === undefined) {
      await runAgent({ userAgent: USER_AGENT })
      return 0
    }
    const given = Object.keys(Settings.shape).map((flag) => [flag, words.text(flag)])
    const parsed = Settings.safeParse(Object.fromEntries(given.filter(([, value]) => value !== undefined)))
    if (!parsed.success)
      throw new UsageError(parsed.error.issues.map(({ path, message }) => `--${path.join('.')} ${message}`).join('; '))
    const { tls, listen, admin, log, ...rest } = parsed.data
    const host = everywhere()
    await runStandalone({
      tls,
      api: listen ?? { host, port: API_PORT },
      admin: admin ?? { host, port: ADMIN_PORT },
      userAgent: USER_AGENT,
      log: createLog({ name: 'agent', level: log }),
      ...(rest['rtp-ports'] && { rtpPorts: rest['rtp-ports'] }),
      ...(rest['sip-ports'] && { sipPorts: rest['sip-ports'] }),
      ...(rest['source-address'] !== undefined && { sourceAddress: rest['source-address'] }),
      ...(rest['external-address'] !== undefined && { externalAddress: rest['external-address'] }),
      onGo: (told) => {
        for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, told)
      },
    })
    return 0
  },
}
