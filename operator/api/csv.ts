/** Executions as CSV (RFC 4180), for evidence and spreadsheets: one line each, every metric a column. */
import { metricKeys } from '../../crds/index.ts'
import type { ExecutionRecord } from '../history/index.ts'
import { executionView } from './views.ts'

const COLUMNS = [
  'id',
  'slot',
  'startedAt',
  'finishedAt',
  'location',
  'generation',
  'level',
  'reason',
  'outcome',
  'failureClass',
  'sipCode',
  'sipReason',
  'findings',
] as const

export function executionsCsv(executions: readonly ExecutionRecord[]): string {
  const rows = executions.map((execution) => {
    const view = executionView(execution)
    const cells = {
      ...view,
      sipCode: view.sip?.code,
      sipReason: view.sip?.reason,
      findings: execution.result.findings.join(' '),
    }
    return [...COLUMNS.map((column) => cells[column]), ...metricKeys.map((key) => view.metrics[key])]
  })
  return [[...COLUMNS, ...metricKeys], ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** Not measured is empty. A reason phrase is the far side's text: a spreadsheet must not take it for a formula. */
function cell(value: string | number | null | undefined): string {
  if (typeof value !== 'string') return value === null || value === undefined ? '' : String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
