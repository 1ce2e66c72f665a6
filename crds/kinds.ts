/** The table of all kinds; adding one is one file and one line here. */
import { sipProbe } from './probe.ts'
import { sipRegistrar } from './registrar.ts'
import { statusPage } from './statuspage.ts'

export const kinds = {
  SipRegistrar: sipRegistrar,
  SipProbe: sipProbe,
  StatusPage: statusPage,
} as const
export type KindName = keyof typeof kinds
