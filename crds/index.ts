/** The door to the vocabulary: the kinds, what is measured, what can go wrong, and the parser of manifests. */
export type { Condition } from './common.ts'
export { milliseconds, parseDuration } from './duration.ts'
export { failureClasses, findings, healths, outcomes } from './failures.ts'
export type {
  FailureClass,
  Finding,
  Health,
  KnownHealth,
  OurFailureClass,
  Outcome,
  Severity,
  UnknownReason,
} from './failures.ts'
export { GROUP, VERSION } from './kind.ts'
export { kinds } from './kinds.ts'
export type { KindName, Resource } from './kinds.ts'
export type { SipLoadTest, SipLoadTestSpec, SipLoadTestStatus } from './loadtest.ts'
export type { SipLoadTestRun, SipLoadTestRunSpec, SipLoadTestRunStatus } from './loadtestrun.ts'
export { judgedMetrics, metricKeys, metrics, runMetrics } from './metrics.ts'
export type { JudgedMetric, MetricDefinition, MetricKey, Metrics } from './metrics.ts'
export type { SipProbe, SipProbeSpec, SipProbeStatus } from './probe.ts'
export type { SipRegistrar, SipRegistrarSpec, SipRegistrarStatus } from './registrar.ts'
export type { StatusPage, StatusPageSpec, StatusPageStatus } from './statuspage.ts'
export { effectiveThresholds, profiles } from './thresholds.ts'
export type { Threshold, Thresholds } from './thresholds.ts'
export type { ConfigMap, Secret } from './core.ts'
export { parseDocuments, parseObject } from './parse.ts'
export type { Parsed, ParsedObject, ParseResult, Problem } from './parse.ts'
export { problemLine, validateFiles } from './validate.ts'
export type { Validation, Warning } from './validate.ts'
