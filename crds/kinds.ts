/** The table of all kinds; adding one is one file and one line here. */
import { sipLoadTest } from './loadtest.ts'
import type { SipLoadTest } from './loadtest.ts'
import { sipLoadTestRun } from './loadtestrun.ts'
import type { SipLoadTestRun } from './loadtestrun.ts'
import { sipProbe } from './probe.ts'
import type { SipProbe } from './probe.ts'
import { sipRegistrar } from './registrar.ts'
import type { SipRegistrar } from './registrar.ts'
import { statusPage } from './statuspage.ts'
import type { StatusPage } from './statuspage.ts'

export const kinds = {
  SipRegistrar: sipRegistrar,
  SipProbe: sipProbe,
  SipLoadTest: sipLoadTest,
  SipLoadTestRun: sipLoadTestRun,
  StatusPage: statusPage,
} as const
export type KindName = keyof typeof kinds

/** Any of them, parsed. */
export type Resource = SipRegistrar | SipProbe | SipLoadTest | SipLoadTestRun | StatusPage
