/** What the operator writes into the status of a SipProbe: small and bounded, the detail is in history. */
import { z } from 'zod'
import { conditions, instant, list, text } from './common.ts'
import { failureClasses, findings, healths, outcomes } from './failures.ts'
import type { FailureClass, Finding } from './failures.ts'
import { judgedMetrics, metricKeys } from './metrics.ts'

const health = z.enum(healths)
const number = z.number().min(-1e15).max(1e15)
const wholeNumber = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

const metric = z.enum(judgedMetrics)
// Object.keys forgets that the tables are closed.
const failureClass = z.enum(Object.keys(failureClasses) as FailureClass[])
const finding = z.enum(Object.keys(findings) as Finding[])

const measured = z.partialRecord(z.enum(metricKeys), number)

const breach = z.object({
  metric,
  value: number,
  level: z.enum(['Degraded', 'Unhealthy']),
  threshold: number,
})

const execution = z.object({
  id: text(128),
  generation: wholeNumber,
  startedAt: instant,
  finishedAt: instant,
  location: text(63),
  outcome: z.enum(outcomes),
  failureClass: failureClass.exactOptional(),
  sip: z.object({ code: z.int().min(100).max(699), reason: text(256, 0) }).exactOptional(),
  metrics: measured.meta({ description: 'Measured values by key; what was not measured is absent.' }),
  breaches: list(breach, judgedMetrics.length),
  notMeasured: list(metric, judgedMetrics.length).meta({ description: 'Judged, but not measured.' }),
  findings: list(finding, Object.keys(findings).length)
    .exactOptional()
    .meta({ description: 'What was noticed of the audio; it fails nothing.' }),
})

const transition = z.object({
  sequence: wholeNumber,
  at: instant,
  from: health,
  to: health,
  reason: text(128),
  executionId: text(128).exactOptional(),
})

export const sipProbeStatus = z.object({
  observedGeneration: wholeNumber.exactOptional(),
  health: health.exactOptional().meta({ description: 'State after damping.' }),
  healthSince: instant.exactOptional(),
  reason: text(128)
    .exactOptional()
    .meta({ description: 'The metric or failure class that decided, or why nothing is known.' }),
  message: text(1024, 0).exactOptional().meta({ description: 'The same for humans.' }),
  lastExecution: execution.exactOptional().meta({ description: 'The execution that decided.' }),
  locations: list(z.object({ name: text(63), level: health }), 20).exactOptional(),
  recentLevels: list(health, 10).exactOptional().meta({ description: 'Levels of the last rounds, oldest first.' }),
  lastRunNow: text(256).exactOptional().meta({ description: 'Last value of the annotation ringcheck.dev/run-now.' }),
  nextExecutionTime: instant.exactOptional(),
  sequence: wholeNumber.exactOptional().meta({ description: 'Number of the last transition.' }),
  transitions: list(transition, 10).exactOptional().meta({ description: 'The last transitions, oldest first.' }),
  conditions: conditions.exactOptional(),
})
