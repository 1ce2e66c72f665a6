/** Prometheus' own opinion of a text in its exposition format. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { commandPath } from './requirements.ts'

/** The complaints of `promtool check metrics`, one a line, those about style among them; empty when it accepts the text. */
export async function checkMetrics(metrics: string): Promise<string[]> {
  const child = spawn(commandPath('promtool'), ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(metrics)
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const complaints = `${output}${errors}`.split('\n').filter((line) => line !== '')
  if (code !== 0 && complaints.length === 0) throw new Error(`promtool ended with ${String(code)} and said nothing`)
  return code === 0 ? [] : complaints
}
