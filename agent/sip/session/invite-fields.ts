/** What an INVITE of ours says of extensions, beyond what every request outside a dialog says. */
import type { Core } from '../core.ts'
import type { CallHandlers, InviteOptions, SessionTimerOptions } from '../engine.ts'
import type { HeaderField } from '../transport/build.ts'
import { capabilities } from './capabilities.ts'
import { replacesValue } from './replaces.ts'
import { timerFields } from './session-timer.ts'

export function inviteFields(
  core: Core,
  { reliable, replaces }: InviteOptions,
  timer: SessionTimerOptions | undefined,
): HeaderField[] {
  const fields = capabilities(core, { reliable: reliable !== undefined })
  if (reliable === 'Required') fields.push(['Require', '100rel'])
  // A callee that would take it for one more call must refuse it.
  if (replaces) fields.push(['Require', 'replaces'], ['Replaces', replacesValue(replaces)])
  if (timer) fields.push(...timerFields(timer))
  return fields
}

/** Undefined: there is none, and the options need not be kept for the time of the call. */
export function handlersOf(options: CallHandlers): CallHandlers | undefined {
  return options.onReoffer || options.onInfo || options.onRefer ? options : undefined
}
